import type { BackOff } from '@orders-pipeline/clock';
import type { TopicHandlers } from './topic-handlers.js';
import { classifyByNetworkCode, type FailureClassifier } from '../failures/failure.js';
import type { RecordHandler } from './record-handler.js';

/** How records are handled, retried and dead-lettered. */
export interface AttemptOptions {
  /** Handles each record, or batches of them: see `batchHandler`. An object has a handler for each of the broker's topics. */
  readonly handler: RecordHandler | TopicHandlers;
  /**
   * Topic for records that can't be handled. It must exist and have at least as many partitions as each source topic.
   * Required unless `onDeadLetter` is `stop`.
   */
  readonly deadLetterTopic?: string;
  /**
   * What to do with a record that is invalid (`poison`) or has no attempts left.
   * - `publish` (the default): publish it to the dead-letter topic and continue.
   * - `stop`: publish nothing, drain, leave the group and become `failed`. The record's offset stays uncommitted, so the
   *   partition's next owner reads it again.
   */
  readonly onDeadLetter?: 'publish' | 'stop';
  /** Maximum number of attempts for one record, including the first, before it is dead-lettered. Default 5. */
  readonly maxAttempts?: number;
  /**
   * Time limit of one attempt, in ms. Default 300,000. At the limit the attempt's signal aborts (AttemptTimeoutError, code
   * `attempt-timeout`). `attemptGraceMs` later the attempt is abandoned: it failed with an AttemptAbandonedError (code
   * `attempt-abandoned`), which `classify` gets like any other error. The consumer checks the limit once a second.
   * Not guaranteed after that: an abandoned attempt may still run in parallel with the next attempt of its key. The handler
   * must then itself ensure the order and the idempotence of that key.
   */
  readonly attemptTimeoutMs?: number;
  /** How long an attempt may continue after its signal aborted, in ms. Default 5,000. */
  readonly attemptGraceMs?: number;
  /**
   * Classifies the errors of attempts. Default `classifyByNetworkCode`: network errors and exceeded time limits are `environment`, nearly
   * all others `retriable`.
   */
  readonly classify?: FailureClassifier;
  /** Back-off between the attempts of one record. Default: 100 ms, doubling up to 10 s. */
  readonly retryBackOff?: BackOff;
  /** Back-off between probes while a dependency is unavailable. Default: 200 ms, doubling up to 5 s. */
  readonly environmentBackOff?: BackOff;
  /**
   * Mass failure: the consumer suspends itself when more than this share of the last 1,000 records were invalid or out of attempts,
   * within 60 s and on three partitions or more. Most likely the consumer or the schema registry is at fault then, not the records.
   * It probes one record at a time until one succeeds. From 0 to 1. Default 0.5. With 1, invalid records are always dead-lettered at once.
   */
  readonly poisonShare?: number;
  /**
   * Once the consumer has been suspended for this long, in ms, it dead-letters the record of each failed probe, whatever its error: one
   * record for each probe, so at most one per `environmentBackOff`. With `onDeadLetter: 'stop'`, the first one stops the consumer.
   * Default: never; the records wait until a probe succeeds.
   */
  readonly suspensionDeadLetterMs?: number;
  /**
   * A record that blocks its partition's commit for this long, in ms, is logged as a warning, and again after each further
   * period. Not while the consumer is suspended: then each failed probe is logged with its record. Default 60,000.
   */
  readonly stalledRecordWarnMs?: number;
  /**
   * A record that blocks its partition's commit for this long, in ms, is dead-lettered. Time during which the
   * consumer is suspended does not count. Default: never.
   */
  readonly stalledRecordDeadLetterMs?: number;
}

export const ATTEMPT_DEFAULTS = {
  onDeadLetter: 'publish',
  maxAttempts: 5,
  attemptTimeoutMs: 300_000,
  attemptGraceMs: 5_000,
  classify: classifyByNetworkCode,
  retryBackOff: { initialMs: 100, maxMs: 10_000 },
  environmentBackOff: { initialMs: 200, maxMs: 5_000 },
  poisonShare: 0.5,
  stalledRecordWarnMs: 60_000,
} as const satisfies Partial<AttemptOptions>;

/** `AttemptOptions` with the defaults applied. */
export type AttemptSettings = AttemptOptions &
  Required<Pick<AttemptOptions, keyof typeof ATTEMPT_DEFAULTS>> & { readonly handler: RecordHandler };
