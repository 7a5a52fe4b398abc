import type { ConsumedRecord } from '../record.js';
import { FetchedRecords } from './kafka-message.js';
import type { Kafka, KafkaMessage } from './kafkajs.js';
import { protocolType } from './protocol-type.js';

/** The parts of kafkajs's internal cluster that a fetch needs. */
interface FetchingCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  /** Partitions by the node that leads them. */
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>;
  findBroker(node: { nodeId: string }): Promise<{ fetch(request: FetchRequest): Promise<FetchResponse> }>;
}

interface FetchRequest {
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isolationLevel: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly fetchOffset: string;
      readonly maxBytes: number;
    }[];
  }[];
}

interface FetchResponse {
  readonly responses: readonly {
    readonly partitions: readonly { readonly messages: readonly (KafkaMessage & { isControlRecord?: boolean })[] }[];
  }[];
}

/** Kafka gives a batch that is larger than this all the same, alone. */
const FETCH_BYTES = 1024 * 1024;
const MAX_WAIT_MS = 500;
const READ_COMMITTED = 1;
/** After these another broker has the partition. */
const MOVED = new Set(['NOT_LEADER_FOR_PARTITION', 'UNKNOWN_TOPIC_OR_PARTITION', 'FENCED_LEADER_EPOCH']);
const TRIES = 3;

/**
 * Reads single records by their offsets, as somebody does who looks at one dead letter or sends some of them again: without a group,
 * and without a consumer that joins one. kafkajs offers no such fetch; the cluster of a consumer that is never run does.
 */
export class RecordReader {
  private readonly cluster: FetchingCluster;
  private connecting: Promise<void> | undefined;

  constructor(kafka: Kafka) {
    let found: unknown;
    const groupId = 'never-joined';
    const take = ({ cluster }: { cluster: unknown }) => {
      found = cluster;
      return {
        name: groupId,
        version: 0,
        assign: async () => Promise.resolve([]),
        protocol: () => ({ name: groupId, metadata: Buffer.alloc(0) }),
      };
    };
    kafka.consumer({ groupId, partitionAssigners: [take] });
    this.cluster = found as FetchingCluster;
  }

  /**
   * @param offsets in any order
   * @returns the records that there are, by offset: one that was deleted, compacted or not written yet is left out
   * @throws when Kafka doesn't answer
   */
  async read(topic: string, partition: number, offsets: readonly number[]): Promise<Map<number, ConsumedRecord>> {
    await this.connected();
    await this.cluster.addTargetTopic(topic);
    const found = new Map<number, ConsumedRecord>();
    for (let left = offsets.toSorted((a, b) => a - b); left[0] !== undefined;) {
      const [from] = left;
      const records = await this.fetchFrom(topic, partition, from);
      const wanted = new Set(left);
      for (const record of records) if (wanted.has(record.offset)) found.set(record.offset, record);
      // At least the first one is passed: it isn't there when the fetch begins behind it.
      const passed = Math.max(from, records.at(-1)?.offset ?? from);
      left = left.filter((offset) => offset > passed);
    }
    return found;
  }

  async close(): Promise<void> {
    const { connecting } = this;
    this.connecting = undefined;
    if (connecting !== undefined) await this.cluster.disconnect();
  }

  private async connected(): Promise<void> {
    this.connecting ??= this.cluster.connect();
    try {
      await this.connecting;
    } catch (error) {
      this.connecting = undefined;
      throw error;
    }
  }

  private async fetchFrom(topic: string, partition: number, offset: number): Promise<ConsumedRecord[]> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.fetchOnce(topic, partition, offset);
      } catch (error) {
        const type = protocolType(error);
        if (type === 'OFFSET_OUT_OF_RANGE') return [];
        if (type === undefined || !MOVED.has(type) || tries === TRIES) throw error;
        await this.cluster.refreshMetadata();
      }
    }
  }

  private async fetchOnce(topic: string, partition: number, offset: number): Promise<ConsumedRecord[]> {
    const [nodeId] = Object.keys(this.cluster.findLeaderForPartitions(topic, [partition]));
    if (nodeId === undefined) return [];
    const broker = await this.cluster.findBroker({ nodeId });
    const { responses } = await broker.fetch({
      maxWaitTime: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: FETCH_BYTES }] }],
    });
    const messages = responses.flatMap(({ partitions }) => partitions.flatMap((each) => each.messages));
    // Batches are given whole: what lies before the offset came with it.
    const own = messages.filter((each) => each.isControlRecord !== true && Number(each.offset) >= offset);
    return [...new FetchedRecords(topic, partition, own)];
  }
}
