import { checkOptions } from '../checks/check-options.js';
import { keyBytes, text, type Check } from '../checks/value-checks.js';
import type { ConsumedRecord } from '../records/record.js';

/** What is paused: the records of a topic, those with a key, or those with a key in a topic. Without both: all records. */
export interface PauseScope {
  readonly topic?: string;
  /** The key as bytes, or as UTF-8 text. */
  readonly key?: Buffer | string;
}

const SCOPE_CHECKS = { topic: text, key: keyBytes } satisfies Record<keyof PauseScope, Check>;

/** Which records may not start now. */
export class Pauses {
  private readonly scopes = new Map<string, PauseScope>();

  constructor(private readonly topics: readonly string[]) {}

  /** The scopes that are paused. */
  get all(): readonly PauseScope[] {
    return [...this.scopes.values()];
  }

  /** @returns whether it was not paused before. @throws TypeError for a wrong scope, or a topic that is not read */
  add(scope: PauseScope): boolean {
    this.check(scope);
    const name = nameOf(scope.topic, scope.key);
    if (this.scopes.has(name)) return false;
    this.scopes.set(name, scope);
    return true;
  }

  /** @returns whether it was paused. @throws like `add` */
  remove(scope: PauseScope): boolean {
    this.check(scope);
    return this.scopes.delete(nameOf(scope.topic, scope.key));
  }

  /** Whether no record of a topic may start. */
  hasTopic(topic: string): boolean {
    return this.scopes.size > 0 && (this.scopes.has(nameOf()) || this.scopes.has(nameOf(topic)));
  }

  has(record: Pick<ConsumedRecord, 'topic' | 'key'>): boolean {
    // Before the key is read: each access creates a new slice.
    if (this.scopes.size === 0) return false;
    const { topic, key } = record;
    if (this.hasTopic(topic)) return true;
    return key !== null && (this.scopes.has(nameOf(undefined, key)) || this.scopes.has(nameOf(topic, key)));
  }

  private check(scope: PauseScope): void {
    checkOptions(scope, { checks: SCOPE_CHECKS });
    if (scope.topic !== undefined && !this.topics.includes(scope.topic))
      throw new TypeError(`topic must be one of ${this.topics.join(', ')}, got '${scope.topic}'`);
  }
}

/** A topic has no spaces. */
function nameOf(topic = '', key?: Buffer | string): string {
  if (key === undefined) return topic;
  return `${topic} ${(typeof key === 'string' ? Buffer.from(key) : key).toString('latin1')}`;
}
