import type { ParallelConsumerOptions, ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';
import type { Commit } from './committed-records.js';
import type { RecordBytes } from './record-bytes.js';

/** The engine's options for a member. Any option that JSON can represent may be added. */
export type EngineSettings = Pick<
  ParallelConsumerOptions,
  | 'inFlight'
  | 'maxBuffered'
  | 'maxAttempts'
  | 'attemptTimeoutMs'
  | 'attemptGraceMs'
  | 'commitIntervalMs'
  | 'commitCompletedOffsets'
  | 'drainTimeoutMs'
  | 'onDeletedRecords'
  | 'onTruncatedLog'
>;

/** The settings of a member process, passed on its command line. */
export interface MemberSettings {
  /** `host:port`, separated by commas. */
  readonly brokers: string;
  readonly topic: string;
  readonly groupId: string;
  readonly deadLetterTopic: string;
  /** The maximum duration of a handler in ms; each one waits for a random time from 0 to this, drawn from the seed. */
  readonly handlerMs: number;
  readonly seed: number;
  readonly sessionTimeoutMs: number;
  /** Default `eager`. */
  readonly rebalancing?: 'eager' | 'cooperative';
  /** A topic that gets an output for each record, by `produceHandler`, with the member's name in the header `member`. Default: none. */
  readonly outputTopic?: string;
  /** Whether handlers of records that behave as `wait` wait for their signal. Default false: it handles them as others. */
  readonly waitsForAbort?: boolean;
  /** Local ports of servers, each with the port to which this member connects instead. Default: none. */
  readonly redirectedPorts?: Readonly<Record<number, number>>;
  /** Whether reported records contain their bytes. Default false: text is enough for records that a test numbered. */
  readonly reportsBytes?: boolean;
  readonly engine: EngineSettings;
}

/** The header of a record that makes the handler misbehave. */
export const BEHAVIOUR_HEADER = 'behaviour';
/**
 * - `stall`: the handler never settles
 * - `poison`: it throws an error with the code `poison`, which is classified as poison
 * - `wait`: it waits until its signal aborts, if the member `waitsForAbort`
 */
export type Behaviour = 'stall' | 'poison' | 'wait';

/** A record, as text. */
export interface ReportedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** null for a record without a key. */
  readonly key: string | null;
  readonly value: string;
  /** Only with `reportsBytes`. */
  readonly bytes?: RecordBytes;
}

/** A line that the engine logged. */
export interface LogLine {
  readonly at: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A committed position that the member reads from. */
export interface ReadPosition extends Commit {
  readonly partition: number;
}

/** The end of an attempt; `untried`: the handler began nothing. */
export type AttemptOutcome = 'done' | 'failed' | 'untried';

/**
 * A message from a member to the test that started it, in the order of what happened there; `at` is a time of `monotonicMicroseconds`.
 * The kernel has the message of an attempt's end before its handler settles, so no kill can lose an effect.
 */
export type MemberMessage =
  | {
      readonly kind: 'started';
      readonly at: number;
      /** Number of the handler's call in its process. */
      readonly call: number;
      readonly record: ReportedRecord;
      readonly fence: number;
      readonly attempt: number;
    }
  | { readonly kind: 'ended'; readonly at: number; readonly call: number; readonly outcome: AttemptOutcome }
  | { readonly kind: 'positions'; readonly positions: readonly ReadPosition[] }
  | { readonly kind: 'log'; readonly line: LogLine }
  | { readonly kind: 'status'; readonly status: ParallelConsumerStatus };

/** The only request from a test to a member; a member stops on SIGTERM. */
export const STATUS_REQUEST = 'status';

/** Returns the time by the machine's monotonic clock, which all processes share. */
export function monotonicMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
