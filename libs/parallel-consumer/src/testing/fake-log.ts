import { epochsWithin, type EpochStart } from '../records/batch-extent.js';
import type { FetchedBatch, ReadPosition, ReadResult } from '../broker/broker.js';
import type { ConsumedRecord } from '../records/record.js';
import type { UnreadableRecordsError } from '../records/unreadable-records.js';

/** The log of one partition of the fake Kafka. */
export interface FakeLog {
  /** Id of the log: 32 hexadecimal digits. */
  readonly id: string;
  records: ConsumedRecord[];
  /** One past the last offset, markers included. */
  end: number;
  /** The first offset that isn't deleted. */
  start: number;
  /** Leader epochs of the records, each with its first offset. */
  epochs: EpochStart[];
  /** First offsets of open transactions: reads return nothing from the lowest one on. */
  openTransactions: Set<number>;
  /** Set when the log contains a batch that can't be read, with its offset. */
  unreadable: UnreadableRecordsError | undefined;
}

/** Answers a read at a position of a log; `undefined` while there are no records. */
export function readLog(log: FakeLog, position: ReadPosition, maxRecords: number): ReadResult | undefined {
  const { offset, logId, leaderEpoch } = position;
  if (log.id !== logId) return { type: 'recreated', logId: log.id, earliest: log.start };
  if (offset < log.start) return { type: 'deleted', earliest: log.start };
  const { end, epoch } = findEpochEnd(log, leaderEpoch);
  if (offset > end) return { type: 'truncated', end, epoch };
  return offset >= stableEnd(log) ? undefined : toBatch(log, position, maxRecords);
}

/** Returns the last epoch of this log that is not above the given one, and its end offset. */
function findEpochEnd(
  { epochs, end }: FakeLog,
  leaderEpoch: number | undefined,
): { readonly end: number; readonly epoch: number | undefined } {
  if (leaderEpoch === undefined) return { end, epoch: undefined };
  const later = epochs.find(({ epoch }) => epoch > leaderEpoch);
  return { end: later?.offset ?? end, epoch: epochs.findLast(({ epoch }) => epoch <= leaderEpoch)?.epoch };
}

/** Returns the last stable offset: that of the first record of an open transaction, or the end of the log. */
function stableEnd({ openTransactions, end }: FakeLog): number {
  return Math.min(end, ...openTransactions);
}

function toBatch(log: FakeLog, { topic, partition, offset: fetchOffset }: ReadPosition, max: number): FetchedBatch {
  const { unreadable } = log;
  const end = Math.min(stableEnd(log), unreadable?.offset ?? Number.POSITIVE_INFINITY);
  const ahead = log.records.filter(({ offset }) => offset >= fetchOffset && offset < end);
  const records = ahead.slice(0, max);
  const isBeforeUnreadable = unreadable !== undefined && records.length === ahead.length;
  const lastOffset = ahead.length > records.length ? (records.at(-1)?.offset ?? fetchOffset) : end - 1;
  return {
    type: 'records',
    topic,
    partition,
    records: isBeforeUnreadable ? throwingAfter(records, unreadable) : records.values(),
    fetchOffset,
    lastOffset,
    highWatermark: log.end,
    lastStableOffset: stableEnd(log),
    epochs: epochsWithin(log.epochs, fetchOffset, lastOffset + 1),
  };
}

function* throwingAfter(records: readonly ConsumedRecord[], error: Error): Generator<ConsumedRecord, undefined> {
  yield* records;
  throw error;
}
