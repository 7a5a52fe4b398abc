import type { RuntimeSettings } from '../events/runtime-options.js';
import { pause, backOffMs } from '@orders-pipeline/clock';
import type { Broker, BrokerFailure } from '../broker/broker.js';
import { LogThrottle } from '../events/log-throttle.js';
import { RecordsRejectedError } from '../failures/records-rejected.js';
import type { Task } from '../partition/assignment-and-tasks.js';
import type { AttemptSettings } from './attempt-options.js';
import type { OutgoingRecord } from '../records/record.js';
import { letterBytes, shrinkLetter, toDeadLetter } from './dead-letter.js';
import { errorDetails } from '../failures/failure.js';

/** Maximum bytes of one publish. Brokers accept batches of 1 MiB by default, and all dead letters may go to one partition. */
const MAX_BYTES = 512 * 1024;
const MAX_LETTERS = 1_000;
/** Shorter waits are normal: a publish takes milliseconds, a leader change some seconds. */
const PUBLISH_TIMEOUT_MS = 10_000;
const LOG_INTERVAL_MS = 60_000;
/** Kafka rejected a dead letter or its batch because of its size. */
const SIZE_ERRORS = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
const UNACKNOWLEDGED = { code: 'unacknowledged', reason: 'Kafka has not acknowledged them yet' };

interface WaitingDeadLetter {
  readonly task: Task;
  readonly cause: unknown;
  letter: OutgoingRecord;
  /** Start of the wait, in ms since 1970. */
  readonly since: number;
  /** Must be published alone: Kafka rejected it in a batch, and only a single publish shows which dead letter is too large. */
  alone: boolean;
  /** @param published true when all in-sync replicas have the dead letter; false when its partition was revoked before */
  readonly ended: (published: boolean) => void;
}

/**
 * Publishes dead letters and retries without limit. A record stays uncommitted until Kafka has acknowledged its dead letter. One
 * publish runs at a time, and dead letters that arrive meanwhile share the next one, so many invalid records need few acknowledgements.
 */
export class DeadLetterPublisher {
  /** Number of partitions of the dead-letter topic; `Infinity` until the consumer has read it at its start. */
  partitions = Number.POSITIVE_INFINITY;
  private waiting: WaitingDeadLetter[] = [];
  private publishing: readonly WaitingDeadLetter[] = [];
  private isPublishing = false;
  private lastError: { readonly code: string; readonly reason: string } = UNACKNOWLEDGED;
  private readonly throttle: LogThrottle;

  constructor(
    private readonly options: AttemptSettings & RuntimeSettings,
    private readonly broker: Broker,
  ) {
    this.throttle = new LogThrottle(options.clock, LOG_INTERVAL_MS);
  }

  /** Why the oldest dead letter has waited for 10 s or more; `undefined` when none has. */
  get failure(): BrokerFailure | undefined {
    const { deadLetterTopic = '', clock } = this.options;
    let since = Number.POSITIVE_INFINITY;
    for (const letter of [...this.publishing, ...this.waiting]) since = Math.min(since, letter.since);
    if (clock.now() - since < PUBLISH_TIMEOUT_MS) return undefined;
    const failing = this.broker.health.publishFailures?.find(({ topic }) => topic === deadLetterTopic);
    const { code, reason } = failing ?? this.lastError;
    return { topic: deadLetterTopic, since, code, reason };
  }

  /** Logs, at most once a minute, that dead letters can't be published. Called each second. */
  checkProgress(): void {
    const { failure } = this;
    if (failure !== undefined) this.logFailure(failure);
  }

  /** Publishes the dead letter of a task. @returns true when all in-sync replicas have it; false when the partition was revoked before */
  async publish(task: Task, cause: unknown): Promise<boolean> {
    const letter = this.toExistingPartition(toDeadLetter(task.record, cause, task.failedAttempts));
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

  /** Publishes the next batch. @returns false when the caller must back off before the retry */
  private async publishNext(): Promise<boolean> {
    const { deadLetterTopic = '', logger } = this.options;
    const batch = this.nextBatch();
    this.publishing = batch;
    try {
      await this.broker.publish(
        deadLetterTopic,
        batch.map(({ letter }) => letter),
      );
    } catch (error) {
      this.publishing = [];
      this.waiting.unshift(...batch);
      if (error instanceof RecordsRejectedError && this.splitOrShrink(batch, error)) return true;
      this.lastError = errorDetails(error);
      this.logFailure(this.lastError);
      return false;
    }
    this.publishing = [];
    this.lastError = UNACKNOWLEDGED;
    for (const { task, cause, ended } of batch) {
      const { topic, partition, offset } = task.record;
      logger.warn(
        { topic, partition, offset, ...errorDetails(cause), ...task.trace?.logFields },
        'record dead-lettered',
      );
      ended(true);
    }
    return true;
  }

  private nextBatch(): WaitingDeadLetter[] {
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

  /**
   * Reacts to a batch that Kafka rejected: its dead letters are published one by one, and a single one that is too large is shrunk. One that
   * is rejected for another reason, such as a clock that is wrong (`INVALID_TIMESTAMP`), stays complete and is tried again.
   * @returns whether an immediate retry can succeed
   */
  private splitOrShrink(batch: readonly WaitingDeadLetter[], { code }: RecordsRejectedError): boolean {
    for (const each of batch) each.alone = true;
    const [only] = batch;
    if (batch.length !== 1 || only === undefined) return true;
    const smaller = SIZE_ERRORS.has(code) ? shrinkLetter(only.letter) : undefined;
    if (smaller !== undefined) only.letter = smaller;
    // The other dead letters must not wait for one that Kafka rejects again and again.
    else this.waiting.push(...this.waiting.splice(0, 1));
    return smaller !== undefined;
  }

  private logFailure({ code, reason }: { readonly code: string; readonly reason: string }): void {
    if (this.throttle.next() === undefined) return;
    const { deadLetterTopic: topic, logger } = this.options;
    const letters = this.publishing.length + this.waiting.length;
    logger.error(
      { topic, letters, code, reason },
      'dead letters could not be published: their records stay uncommitted, retrying',
    );
  }

  private dropRevoked(): void {
    const revoked = this.waiting.filter(({ task }) => task.assignment.revoked);
    this.waiting = this.waiting.filter(({ task }) => !task.assignment.revoked);
    for (const { ended } of revoked) ended(false);
  }

  /** Maps source partitions that the dead-letter topic lacks to existing ones, so dead letters of one key stay in one partition. */
  private toExistingPartition(letter: OutgoingRecord): OutgoingRecord {
    return letter.partition < this.partitions ? letter : { ...letter, partition: letter.partition % this.partitions };
  }
}
