import type { Ordering } from './ordering.js';

/** How many records the consumer holds and handles at once, and in which order. */
export interface WindowOptions {
  /** Default `key`. `Ordering` describes the guarantees and the cost of each value. */
  readonly ordering?: Ordering;
  /**
   * Maximum number of records in the handler at once. The rate is at most `inFlight / mean handler time`. With `auto` (the
   * default) the consumer derives the limit from measured latency and errors. `setInFlight` changes it at runtime.
   */
  readonly inFlight?: number | 'auto';
  /** Upper bound of the limit that `auto` may choose, in records. Default 10,000. */
  readonly maxInFlight?: number;
  /**
   * Maximum number of records in memory, running or waiting behind their key. Default 20 x the current in-flight limit. The
   * partitions share it: each may take up to twice of what is free, so that one busy partition stops at 2/3.
   */
  readonly maxBuffered?: number;
  /**
   * Maximum size of the records in the window, in bytes. Default 128 MiB. The partitions share it as they share `maxBuffered`.
   * One record may exceed it. Decompressed batches count too, and one of them may exceed it. Other fetched records that are not in
   * the window yet are not included.
   */
  readonly maxBytes?: number;
  /**
   * Maximum distance, in offsets, from a partition's oldest unfinished record to the newest record taken. Default 1,000,000.
   * At the limit the consumer takes no more records from that partition.
   */
  readonly maxUncommittedOffsets?: number;
}

export const WINDOW_DEFAULTS = {
  ordering: 'key',
  inFlight: 'auto',
  maxInFlight: 10_000,
  maxBytes: 128 * 1024 * 1024,
  maxUncommittedOffsets: 1_000_000,
} as const satisfies WindowOptions;

/** `WindowOptions` with the defaults applied. */
export type WindowSettings = WindowOptions & Required<Pick<WindowOptions, keyof typeof WINDOW_DEFAULTS>>;
