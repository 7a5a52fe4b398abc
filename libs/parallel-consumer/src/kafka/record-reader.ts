import { isKafkaError, KafkaError, throwOnError } from '../protocol/kafka-error.js';
import { FETCH, type FetchedPartition } from '../protocol/fetch-request.js';
import type { ConsumedRecord } from '../records/record.js';
import { batchExtent } from '../records/batch-extent.js';
import { FetchedRecords } from '../records/fetched-records.js';
import type { KafkaConnections } from './kafka-connections.js';
import type { TopicLog } from './topic-log.js';
import { TopicLogs } from './topic-logs.js';

/** Kafka returns the first batch even when it is larger than this. */
const FETCH_BYTES = 1024 * 1024;
const MAX_WAIT_MS = 500;
const ANY_EPOCH = -1;
/** Errors after which another broker may lead the partition. */
const MOVED = [
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
];
const MAX_ATTEMPTS = 3;
/** Empty responses of MAX_WAIT_MS, before a range counts as unreadable: about 30 s. */
const MAX_EMPTY_READS = 60;
/** The same for a single record: about 3 s. A new leader knows only after the next fetch of its followers which records are committed. */
const MAX_EMPTY_READS_OF_ONE = 6;

/** Part of a log, and the offset behind it. */
interface ReadPart {
  readonly records: ConsumedRecord[];
  readonly nextOffset: number;
  /** End of the committed records; undefined when the offset is outside of the log. */
  readonly end?: number;
}

/** Thrown when records that exist stay invisible, because a transaction before them has not ended. */
export class OpenTransactionError extends Error {
  override readonly name = 'OpenTransactionError';
  readonly code = 'open-transaction';

  constructor(topic: string, partition: number, offset: number) {
    super(
      `the records of ${topic} partition ${partition} from offset ${offset} on are not visible: end the transaction that is open there`,
    );
  }
}

/** Reads records by offset, without a consumer group: single ones, or all of a range. */
export class RecordReader {
  private readonly logs: TopicLogs;

  /** @param connections of its own: `close` closes them */
  constructor(private readonly connections: KafkaConnections) {
    this.logs = new TopicLogs(connections);
  }

  /**
   * Reads the records at the given offsets.
   * @param offsets in any order
   * @returns the existing records by offset; deleted, compacted and unwritten ones are omitted
   * @throws UnreadableRecordsError; OpenTransactionError after three seconds; another error when Kafka does not respond
   */
  async read(topic: string, partition: number, offsets: readonly number[]): Promise<Map<number, ConsumedRecord>> {
    const log = this.logs.of(topic);
    const found = new Map<number, ConsumedRecord>();
    for (let left = offsets.toSorted((a, b) => a - b); left[0] !== undefined;) {
      const [from] = left;
      const records = await this.visibleFrom(log, partition, from);
      const wanted = new Set(left);
      for (const record of records) if (wanted.has(record.offset)) found.set(record.offset, record);
      // Always moves past the first offset: its record does not exist when the fetch starts after it.
      const passed = Math.max(from, records.at(-1)?.offset ?? from);
      left = left.filter((offset) => offset > passed);
    }
    return found;
  }

  /**
   * Reads all records of a partition from an offset up to, but not including, another one, in offset order, one fetch at a time. Deleted and
   * aborted ones are omitted.
   * @throws UnreadableRecordsError, OpenTransactionError; another error when Kafka does not respond
   */
  async *readRange(
    topic: string,
    partition: number,
    { from, to }: { readonly from: number; readonly to: number },
  ): AsyncGenerator<readonly ConsumedRecord[]> {
    const log = this.logs.of(topic);
    let emptyReads = 0;
    for (let at = from; at < to;) {
      const { records, nextOffset } = await this.fetchFrom(log, partition, at);
      emptyReads = nextOffset > at ? 0 : emptyReads + 1;
      if (emptyReads === MAX_EMPTY_READS) throw new OpenTransactionError(topic, partition, at);
      at = Math.max(at, nextOffset);
      const within = records.filter(({ offset }) => offset < to);
      if (within.length > 0) yield within;
    }
  }

  /** Returns the id of a topic: one that was deleted and created again has another (KIP-516). @throws KafkaError when it does not exist */
  async topicId(topic: string): Promise<string> {
    return this.logs.of(topic).topicId();
  }

  /** Closes the connections. */
  async close(): Promise<void> {
    await this.connections.close();
  }

  /** Returns the records from an offset on; none when it is outside of the log. @throws OpenTransactionError when they stay invisible */
  private async visibleFrom(log: TopicLog, partition: number, offset: number): Promise<readonly ConsumedRecord[]> {
    for (let emptyReads = 1; ; emptyReads += 1) {
      const { records, nextOffset, end } = await this.fetchFrom(log, partition, offset);
      if (nextOffset > offset || end === undefined) return records;
      if (emptyReads < MAX_EMPTY_READS_OF_ONE) continue;
      if (offset < end) throw new OpenTransactionError(log.topic, partition, offset);
      return [];
    }
  }

  private async fetchFrom(log: TopicLog, partition: number, offset: number): Promise<ReadPart> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await this.fetchOnce(log, partition, offset);
      } catch (error) {
        if (isKafkaError(error, 'OFFSET_OUT_OF_RANGE')) return { records: [], nextOffset: offset };
        if (!isKafkaError(error, ...MOVED) || attempts === MAX_ATTEMPTS) throw error;
        await log.refresh();
      }
    }
  }

  private async fetchOnce(log: TopicLog, partition: number, offset: number): Promise<ReadPart> {
    const topicId = await log.topicId();
    if (!log.partitionNumbers.includes(partition)) return { records: [], nextOffset: offset };
    const leader = log.getLeader(partition);
    if (leader === undefined)
      throw new KafkaError('LEADER_NOT_AVAILABLE', `Fetch of ${log.topic} partition ${partition}`);
    const epochs = { currentLeaderEpoch: leader.leaderEpoch, lastFetchedEpoch: ANY_EPOCH };
    const response = await this.connections.request(leader.leader, FETCH, {
      maxWaitMs: MAX_WAIT_MS,
      maxBytes: FETCH_BYTES,
      partitions: [{ topicId, partition, offset, ...epochs, maxBytes: FETCH_BYTES }],
    });
    throwOnError(response.errorCode, 'Fetch');
    const [fetched] = response.partitions;
    return fetched === undefined ? { records: [], nextOffset: offset } : toPart(fetched, log.topic, offset);
  }
}

function toPart(
  { partition, errorCode, records: bytes, abortedTransactions, highWatermark }: FetchedPartition,
  topic: string,
  fetchOffset: number,
): ReadPart {
  throwOnError(errorCode, `Fetch of ${topic} partition ${partition}`);
  const records = [...new FetchedRecords({ topic, partition, fetchOffset, bytes, abortedTransactions })];
  return { records, nextOffset: batchExtent(bytes, fetchOffset).nextOffset, end: highWatermark };
}
