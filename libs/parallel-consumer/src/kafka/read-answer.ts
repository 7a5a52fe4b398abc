import type { ReadPosition, ReadResult } from '../broker/broker.js';
import type { FetchedPartition } from '../protocol/fetch-request.js';
import { batchExtent } from '../records/batch-extent.js';
import { FetchedRecords } from '../records/fetched-records.js';

/** Converts a partition's part of a fetch to the answer of a read. @returns undefined when there is nothing to read yet */
export function toReadAnswer(
  { topic, partition, offset: fetchOffset }: ReadPosition,
  { diverging, records, abortedTransactions, highWatermark }: FetchedPartition,
): ReadResult | undefined {
  if (diverging !== undefined) return { type: 'truncated', end: diverging.endOffset, epoch: diverging.epoch };
  if (records.length === 0) return undefined;
  // A copy: a view of the response would keep the whole fetch in memory.
  const bytes = Buffer.from(records);
  const { nextOffset, epochs } = batchExtent(bytes, fetchOffset);
  return {
    type: 'records',
    topic,
    partition,
    records: new FetchedRecords({ topic, partition, fetchOffset, bytes, abortedTransactions }),
    fetchOffset,
    lastOffset: nextOffset - 1,
    highWatermark,
    epochs,
  };
}
