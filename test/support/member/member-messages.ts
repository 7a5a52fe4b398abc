import type { ParallelConsumerOptions, ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';
import type { RecordBytes } from './record-bytes.js';

/** The engine's options for a member. Any option that JSON can represent may be added. */
export type EngineSettings = Pick<
  ParallelConsumerOptions,
  | 'inFlight'
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
  /** Whether effects contain the record's bytes. Default false: text is enough for records that a test numbered. */
  readonly reportsBytes?: boolean;
  readonly engine: EngineSettings;
}

/** The header of a record that makes the handler misbehave. */
export const BEHAVIOUR_HEADER = 'behaviour';
/** `stall`: the handler never settles. `poison`: it throws an error with the code `poison`, which is classified as poison. */
export type Behaviour = 'stall' | 'poison';

/** A handler's effect. The kernel has its message before the handler resolves, so no kill can lose it. */
export interface Effect {
  readonly partition: number;
  readonly offset: number;
  /** null for a record without a key. */
  readonly key: string | null;
  readonly value: string;
  /** Only with `reportsBytes`. */
  readonly bytes?: RecordBytes;
  /** Microseconds of the machine's monotonic clock, which all processes share. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** A line that the engine logged. */
export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A message from a member to the test that started it. */
export type MemberMessage =
  | { readonly kind: 'effect'; readonly effect: Effect }
  | { readonly kind: 'log'; readonly line: LogLine }
  | { readonly kind: 'status'; readonly status: ParallelConsumerStatus };

/** The only request from a test to a member; a member stops on SIGTERM. */
export const STATUS_REQUEST = 'status';
