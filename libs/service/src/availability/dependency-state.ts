import { Logger } from '@nestjs/common';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import { explainConnection } from './explain-connection.js';

/** Something that a service needs and that doesn't work. */
interface Outage {
  readonly reason: string;
  /** The time of the first failure, in ISO 8601. */
  readonly since: string;
}

/** Where changes are logged, such as a pino logger. */
export interface OutageLog {
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
}

/** Knows what a service needs and doesn't have now, and logs each change once instead of each attempt. */
export class DependencyState {
  private readonly current = new Map<string, Outage>();

  constructor(
    private readonly log: OutageLog,
    private readonly clock: Clock = systemClock,
  ) {}

  /** All outages, by name. */
  get all(): ReadonlyMap<string, Outage> {
    return this.current;
  }

  /**
   * Notes a failed attempt.
   * @param isExpected whether it needs no attention, such as while a consumer joins its group: it is logged at `info` instead of `warn`
   * @returns the outage, which began with the first failed attempt
   */
  failed(name: string, error: unknown, isExpected = false): Outage {
    const reason = reasonOf(error);
    const known = this.current.get(name);
    const outage = { reason, since: known?.since ?? new Date(this.clock.now()).toISOString() };
    this.current.set(name, outage);
    if (known === undefined || kindOf(known.reason) !== kindOf(reason))
      this.log[isExpected ? 'info' : 'warn']({ name, ...outage }, 'not ready');
    return outage;
  }

  /** Notes a successful attempt. */
  works(name: string): void {
    const known = this.current.get(name);
    if (known === undefined) return;
    this.current.delete(name);
    this.log.info({ name, since: known.since }, 'available again');
  }
}

/** Returns the line of `explainConnection`, else the error's message. */
function reasonOf(error: unknown): string {
  return explainConnection(error) ?? (error instanceof Error ? error.message : String(error));
}

/** Attempts at several hosts alternate between messages that differ only in ports and counts. */
function kindOf(reason: string): string {
  return reason.replaceAll(/\d+/g, '');
}

/** Returns outages that Nest's logger reports. @param context the part of the service that notices them */
export function loggedDependencyState(context: string): DependencyState {
  const logger = new Logger(context);
  return new DependencyState({
    warn: (fields, message) => logger.warn(fields, message),
    info: (fields, message) => logger.log(fields, message),
  });
}
