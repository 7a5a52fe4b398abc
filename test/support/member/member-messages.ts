import type { ParallelConsumerOptions } from '#parallel-consumer/options.js';
import type { ParallelConsumerStatus } from '#parallel-consumer/status.js';
import type { RecordBytes } from './record-bytes.js';

/** The engine's options that a member is given. Whatever JSON can carry may be added. */
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

/** What a member process is told on its command line. */
export interface MemberSettings {
  /** `host:port`, parted by commas. */
  readonly brokers: string;
  readonly topic: string;
  readonly groupId: string;
  readonly deadLetterTopic: string;
  /** Each handler waits from 0 to this, in ms, evenly drawn from the seed. */
  readonly handlerMs: number;
  readonly seed: number;
  readonly sessionTimeoutMs: number;
  /** Whether effects carry the record's bytes. Default false: text is enough for records that a test numbered. */
  readonly reportsBytes?: boolean;
  readonly engine: EngineSettings;
}

/** The header by which a record tells the handler to misbehave. */
export const BEHAVIOUR_HEADER = 'behaviour';
/** `stall`: its handler never settles. `poison`: it throws an error of the code `poison`, which is classified as such. */
export type Behaviour = 'stall' | 'poison';

/** A handler's effect: told, and with the kernel, before the handler resolves, so that no kill can unmake it. */
export interface Effect {
  readonly partition: number;
  readonly offset: number;
  /** null for a record without one. */
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

/** What a member sends to the test that started it. */
export type MemberMessage =
  | { readonly kind: 'effect'; readonly effect: Effect }
  | { readonly kind: 'log'; readonly line: LogLine }
  | { readonly kind: 'status'; readonly status: ParallelConsumerStatus };

/** The only thing that a test asks of a member; it stops on SIGTERM. */
export const STATUS_REQUEST = 'status';
