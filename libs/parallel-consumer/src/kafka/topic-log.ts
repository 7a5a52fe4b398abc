import { throwOnError } from '../protocol/kafka-error.js';
import { METADATA, type PartitionMetadata } from '../protocol/metadata-request.js';
import { LIST_OFFSETS, type LogEdge } from '../protocol/offset-requests.js';
import type { KafkaConnections } from './kafka-connections.js';

/** Caches a topic's id and its partition leaders. Loads them on first use and again on `refresh`. */
export class TopicLog {
  private id: string | undefined;
  private partitions = new Map<number, PartitionMetadata>();
  private refreshing: Promise<void> | undefined;

  constructor(
    private readonly connections: KafkaConnections,
    readonly topic: string,
  ) {}

  /** @throws KafkaError when the topic does not exist; another error when no broker responds */
  async topicId(): Promise<string> {
    if (this.id === undefined) await this.refresh();
    return this.id ?? '';
  }

  /** Partition numbers as of the last refresh. */
  get partitionNumbers(): number[] {
    return [...this.partitions.keys()];
  }

  /** Returns the leader as of the last refresh. @returns undefined when the partition has no known leader */
  getLeader(partition: number): PartitionMetadata | undefined {
    const known = this.partitions.get(partition);
    return known === undefined || known.leader < 0 ? undefined : known;
  }

  /** Reloads the metadata; concurrent callers share one request. @throws like `topicId` */
  async refresh(): Promise<void> {
    this.refreshing ??= this.read();
    try {
      await this.refreshing;
    } finally {
      this.refreshing = undefined;
    }
  }

  /** Returns the first or the end offset of a partition's log. @throws KafkaError; another error when the leader does not respond */
  async edge(partition: number, edge: LogEdge | number): Promise<number> {
    if (this.getLeader(partition) === undefined) await this.refresh();
    const leader = this.getLeader(partition)?.leader;
    if (leader === undefined) throw new Error(`partition ${partition} of topic ${this.topic} has no leader`);
    return this.connections.request(leader, LIST_OFFSETS, { topic: this.topic, partition, edge });
  }

  private async read(): Promise<void> {
    const { topics } = await this.connections.requestAny(METADATA, [this.topic]);
    const [found] = topics;
    if (found === undefined) throw new Error(`Kafka returned no metadata for topic ${this.topic}`);
    if (found.errorCode !== 0) this.partitions = new Map();
    throwOnError(found.errorCode, `Metadata of topic ${this.topic}`);
    this.id = found.topicId;
    this.partitions = new Map(found.partitions.map((each) => [each.partition, each]));
  }
}
