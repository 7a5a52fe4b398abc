import { isKafkaError, KafkaError, throwOnError } from '../protocol/kafka-error.js';
import { FETCH, type FetchedPartition } from '../protocol/fetch-request.js';
import type { ConsumedRecord } from '../records/record.js';
import { FetchedRecords } from '../records/fetched-records.js';
import type { Kafka } from 'kafkajs';
import { KafkajsConnections } from './kafkajs-connections.js';
import { TopicLog } from '../kafka/topic-log.js';

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

/** Reads single records by offset, without a consumer group. Used to show one dead letter or to redrive several. */
export class RecordReader {
  private readonly connections: KafkajsConnections;
  private readonly logs = new Map<string, TopicLog>();

  constructor(kafka: Kafka) {
    this.connections = new KafkajsConnections(kafka);
  }

  /**
   * Reads the records at the given offsets.
   * @param offsets in any order
   * @returns the existing records by offset; deleted, compacted and unwritten ones are omitted
   * @throws UnreadableRecordsError; another error when Kafka does not respond
   */
  async read(topic: string, partition: number, offsets: readonly number[]): Promise<Map<number, ConsumedRecord>> {
    const log = this.logs.get(topic) ?? new TopicLog(this.connections, topic);
    this.logs.set(topic, log);
    const found = new Map<number, ConsumedRecord>();
    for (let left = offsets.toSorted((a, b) => a - b); left[0] !== undefined;) {
      const [from] = left;
      const records = await this.fetchFrom(log, partition, from);
      const wanted = new Set(left);
      for (const record of records) if (wanted.has(record.offset)) found.set(record.offset, record);
      // Always moves past the first offset: its record does not exist when the fetch starts after it.
      const passed = Math.max(from, records.at(-1)?.offset ?? from);
      left = left.filter((offset) => offset > passed);
    }
    return found;
  }

  /** Closes the connections. */
  async close(): Promise<void> {
    await this.connections.close();
  }

  private async fetchFrom(log: TopicLog, partition: number, offset: number): Promise<ConsumedRecord[]> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await this.fetchOnce(log, partition, offset);
      } catch (error) {
        if (isKafkaError(error, 'OFFSET_OUT_OF_RANGE')) return [];
        if (!isKafkaError(error, ...MOVED) || attempts === MAX_ATTEMPTS) throw error;
        await log.refresh();
      }
    }
  }

  private async fetchOnce(log: TopicLog, partition: number, offset: number): Promise<ConsumedRecord[]> {
    const topicId = await log.topicId();
    if (!log.partitionNumbers.includes(partition)) return [];
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
    return response.partitions.flatMap((fetched) => toRecords(fetched, log.topic, offset));
  }
}

function toRecords(
  { partition, errorCode, records: bytes, abortedTransactions }: FetchedPartition,
  topic: string,
  fetchOffset: number,
): ConsumedRecord[] {
  throwOnError(errorCode, `Fetch of ${topic} partition ${partition}`);
  return [...new FetchedRecords({ topic, partition, fetchOffset, bytes, abortedTransactions })];
}
