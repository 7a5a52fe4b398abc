import { pause } from '../clock.js';
import type { Broker } from '../kafka/broker.js';
import { RecordsRefusedError } from '../records/records-refused.js';
import type { Task } from '../assignment.js';
import type { ResolvedOptions } from '../options.js';
import type { OutgoingRecord } from '../record.js';
import { backOffMs } from '../back-off.js';
import { deadLetterOf, letterBytes, smallerLetter } from './dead-letter.js';
import { errorCode } from '../failure.js';

/** Of one publish: brokers take batches of 1 MiB by default, and all may be for one partition. */
const MAX_BYTES = 512 * 1024;
const MAX_LETTERS = 1_000;

interface WaitingLetter {
  readonly task: Task;
  readonly cause: unknown;
  letter: OutgoingRecord;
  /** In ms since 1970. */
  readonly since: number;
  /** Refused together with others: which of them is too large only shows by itself. */
  alone: boolean;
  /** @param published whether all in-sync replicas have it; false: its partition went before */
  readonly ended: (published: boolean) => void;
}

/**
 * Publishes dead letters until it is certain: a record stays unfinished meanwhile, and nothing is committed past it. One
 * publish at a time; what comes meanwhile goes together with the next, so that a storm of poison costs few acknowledgements.
 */
export class DeadLetterPublisher {
  /** How many partitions the dead-letter topic has; unknown before the start. */
  partitions = Number.POSITIVE_INFINITY;
  private waiting: WaitingLetter[] = [];
  private underWay: readonly WaitingLetter[] = [];
  private isPublishing = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: Broker,
  ) {}

  /** Since when the oldest letters wait for their acknowledgement, in ms since 1970; `undefined` when none do. */
  get waitingSince(): number | undefined {
    let since: number | undefined;
    for (const letter of [...this.underWay, ...this.waiting])
      if (since === undefined || letter.since < since) since = letter.since;
    return since;
  }

  /** @returns whether all in-sync replicas have the letter; false: its partition went before */
  async publish(task: Task, cause: unknown): Promise<boolean> {
    const letter = this.onExistingPartition(deadLetterOf(task.record, cause, task.failedAttempts));
    return new Promise((ended) => {
      this.waiting.push({ task, cause, letter, since: this.options.clock.now(), alone: false, ended });
      if (!this.isPublishing) void this.publishAll();
    });
  }

  private async publishAll(): Promise<void> {
    const { clock, environmentBackOff, random } = this.options;
    for (let failures = 0; this.waiting.length > 0;) {
      this.isPublishing = true;
      if (await this.publishNext()) {
        failures = 0;
        continue;
      }
      failures += 1;
      await pause(clock, backOffMs(environmentBackOff, failures, random));
      this.dropRevoked();
    }
    this.isPublishing = false;
  }

  /** @returns false when it is to be tried again after a rest */
  private async publishNext(): Promise<boolean> {
    const { deadLetterTopic = '', logger } = this.options;
    const batch = this.nextBatch();
    this.underWay = batch;
    try {
      await this.broker.publish(
        deadLetterTopic,
        batch.map(({ letter }) => letter),
      );
    } catch (error) {
      this.underWay = [];
      this.waiting.unshift(...batch);
      if (error instanceof RecordsRefusedError && this.changedByRefusal(batch)) return true;
      logger.error(
        { deadLetterTopic, letters: this.waiting.length, code: errorCode(error), reason: String(error) },
        'dead letters could not be published: their records stay unfinished, trying again',
      );
      return false;
    }
    this.underWay = [];
    for (const { task, cause, ended } of batch) {
      const { topic, partition, offset } = task.record;
      logger.warn({ topic, partition, offset, code: errorCode(cause), reason: String(cause) }, 'record dead-lettered');
      ended(true);
    }
    return true;
  }

  private nextBatch(): WaitingLetter[] {
    let bytes = 0;
    let count = 0;
    for (const { letter, alone } of this.waiting) {
      bytes += letterBytes(letter);
      if (count > 0 && (alone || bytes > MAX_BYTES || count === MAX_LETTERS)) break;
      count += 1;
      if (alone) break;
    }
    return this.waiting.splice(0, count);
  }

  /** @returns whether trying again at once makes sense: letters go by themselves now, or the only one is smaller */
  private changedByRefusal(batch: readonly WaitingLetter[]): boolean {
    for (const each of batch) each.alone = true;
    const [only] = batch;
    if (batch.length !== 1 || only === undefined) return true;
    const smaller = smallerLetter(only.letter);
    if (smaller !== undefined) only.letter = smaller;
    // The others must not wait for one that is never taken.
    else this.waiting.push(...this.waiting.splice(0, 1));
    return smaller !== undefined;
  }

  private dropRevoked(): void {
    const revoked = this.waiting.filter(({ task }) => task.assignment.revoked);
    this.waiting = this.waiting.filter(({ task }) => !task.assignment.revoked);
    for (const { ended } of revoked) ended(false);
  }

  /** Partitions that were added to the source alone share those that the dead-letter topic has: a key keeps to one. */
  private onExistingPartition(letter: OutgoingRecord): OutgoingRecord {
    return letter.partition < this.partitions ? letter : { ...letter, partition: letter.partition % this.partitions };
  }
}
