import type { UnreadableReason } from '../records/unreadable-records.js';

/**
 * Why a partition is stopped.
 * - `deleted-records`: Kafka deleted records before they were read
 * - `truncated-log`: the log lost records that were read; other records may have replaced them
 * - `recreated-topic`: the topic was deleted and created again
 * - `corrupt-records`, `unsupported-codec`: the log contains a record batch that cannot be read
 * - `unsupported-format`: the log contains records of format version 0 or 1, from before Kafka 0.11
 * - `batch-too-large`: a compressed record batch has more bytes than `maxDecompressedBytes` of the broker
 */
export type StopReason = 'deleted-records' | 'truncated-log' | 'recreated-topic' | UnreadableReason;

/** A partition that stays stopped until the consumer restarts with another option or the topic is repaired. */
export interface StoppedPartition {
  readonly reason: StopReason;
  /** First affected offset, inclusive. */
  readonly from: number;
  /** End of the affected offsets, exclusive. */
  readonly to: number;
  /** The problem and how to fix it. */
  readonly message: string;
}
