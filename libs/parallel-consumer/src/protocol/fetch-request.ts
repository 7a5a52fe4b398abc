import type { KafkaApi } from './kafka-api.js';
import type { WireReader } from './wire-reader.js';

export interface FetchPartition {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  /** The leader epoch that this client knows; the broker rejects any other. -1: not checked. */
  readonly currentLeaderEpoch: number;
  /** Leader epoch of the record before the offset; the broker reports when its log diverges there. -1: not checked. */
  readonly lastFetchedEpoch: number;
  readonly maxBytes: number;
}

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly partitions: readonly FetchPartition[];
}

/** An aborted transaction of one producer, and the offset of its first record. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface FetchedPartition {
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  /** One past the last offset that a read_committed consumer can read: no open transaction begins below it. */
  readonly lastStableOffset: number;
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** Set when this log diverges from the log that was read before: the last epoch they may share, and its end in this log. */
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | undefined;
  /** Record batches, a view of the response. The last batch may be cut off. */
  readonly records: Buffer;
}

export interface FetchResponse {
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

const CONSUMER = -1;
const READ_COMMITTED = 1;
const NO_SESSION = 0;
const SESSION_EPOCH = -1;
const NO_LOG_START = -1;
const DIVERGING_EPOCH_TAG = 0;
const NO_RECORDS = Buffer.alloc(0);

/** Fetches record batches by topic id, with read_committed isolation (KIP-98, KIP-516). Since Kafka 3.1, January 2022. */
export const FETCH: KafkaApi<FetchRequest, FetchResponse> = {
  name: 'Fetch',
  key: 1,
  version: 13,
  waitMs: ({ maxWaitMs }) => maxWaitMs,
  encode: (writer, { maxWaitMs, maxBytes, partitions }) => {
    const minBytes = 1;
    writer.int32(CONSUMER).int32(maxWaitMs).int32(minBytes).int32(maxBytes).int8(READ_COMMITTED);
    writer.int32(NO_SESSION).int32(SESSION_EPOCH);
    // One topic entry per partition preserves the partition order, in which the broker fills the response.
    writer.compactArray(partitions, (each) => {
      writer.uuid(each.topicId);
      writer.compactArray([each], ({ partition, currentLeaderEpoch, offset, lastFetchedEpoch, maxBytes: most }) => {
        writer.int32(partition).int32(currentLeaderEpoch).int64(offset).int32(lastFetchedEpoch);
        writer.int64(NO_LOG_START).int32(most).noTags();
      });
      writer.noTags();
    });
    writer.compactArray([], () => undefined);
    writer.compactString('').noTags();
  },
  decode: (reader) => {
    reader.int32();
    const errorCode = reader.int16();
    reader.int32();
    const topics = reader.compactArray(() => {
      const topicId = reader.uuid();
      const partitions = reader.compactArray(() => decodePartition(reader, topicId));
      reader.tags();
      return partitions;
    });
    return { errorCode, partitions: topics.flat() };
  },
};

function decodePartition(reader: WireReader, topicId: string): FetchedPartition {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  reader.int64();
  const abortedTransactions = reader.compactArray(() => {
    const aborted = { producerId: reader.int64(), firstOffset: reader.int64() };
    reader.tags();
    return aborted;
  });
  reader.int32();
  const records = reader.compactBytes() ?? NO_RECORDS;
  let diverging: FetchedPartition['diverging'];
  reader.tags((tag) => {
    if (tag !== DIVERGING_EPOCH_TAG) return;
    const epoch = reader.int32();
    const endOffset = reader.int64();
    if (epoch >= 0 || endOffset >= 0) diverging = { epoch, endOffset };
  });
  return {
    topicId,
    partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    abortedTransactions,
    diverging,
    records,
  };
}
