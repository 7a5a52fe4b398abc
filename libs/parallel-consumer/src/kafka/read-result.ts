import type { ReadResult } from '../broker/broker.js';
import type { FetchedPartition } from '../protocol/fetch-request.js';
import { ANY_EPOCH, type OpenRead } from './open-reads.js';
import { batchExtent } from '../records/batch-extent.js';
import { FetchedRecords } from '../records/fetched-records.js';

/** Converts a partition's part of a fetch to the answer of a read. @returns undefined when there is nothing to read yet */
export function toReadResult(
  { position: { topic, partition, offset: fetchOffset, leaderEpoch = ANY_EPOCH }, epoch: verified }: OpenRead,
  { diverging, records, abortedTransactions, highWatermark, lastStableOffset }: FetchedPartition,
  maxDecompressedBytes: number,
): ReadResult | undefined {
  if (diverging !== undefined) return { type: 'truncated', end: diverging.endOffset, epoch: diverging.epoch };
  if (records.length === 0) return undefined;
  // A copy: a view of the response would keep the whole fetch in memory.
  const bytes = Buffer.from(records);
  const { nextOffset, epochs } = batchExtent(bytes, fetchOffset);
  const epoch = epochs[0]?.epoch ?? leaderEpoch;
  // The leader did not verify the epoch. Epochs never decrease in a log, so this one is not the log that was read.
  if (verified === ANY_EPOCH && epoch < leaderEpoch) return { type: 'truncated', end: fetchOffset, epoch };
  const from = { topic, partition, fetchOffset, bytes, abortedTransactions, maxDecompressedBytes };
  const fetched = new FetchedRecords(from);
  return {
    type: 'records',
    topic,
    partition,
    records: fetched,
    decompression: fetched,
    fetchOffset,
    lastOffset: nextOffset - 1,
    highWatermark,
    lastStableOffset,
    epochs,
  };
}
