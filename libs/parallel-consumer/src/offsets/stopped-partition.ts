import type { UnreadableReason } from '../records/unreadable-records.js';

/**
 * Why nothing more is taken from a partition.
 * - `deleted-records`: Kafka deleted records before they were read
 * - `truncated-log`: the log lost records that were read, and has other ones in their place, if any
 * - `recreated-topic`: the topic was deleted and created again
 * - `corrupt-records`, `unsupported-codec`: the log holds a record batch that can't be read
 */
export type StopReason = 'deleted-records' | 'truncated-log' | 'recreated-topic' | UnreadableReason;

/** A partition that stands still until its consumer is started again with another option, or its topic is repaired. */
export interface StoppedPartition {
  readonly reason: StopReason;
  /** Offsets that are concerned, from inclusive to exclusive. */
  readonly from: number;
  readonly to: number;
  /** What happened and what to do. */
  readonly message: string;
}
