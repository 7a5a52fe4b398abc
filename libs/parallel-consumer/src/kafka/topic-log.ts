import { throwOnError } from '../protocol/kafka-error.js';
import { METADATA, type PartitionMetadata } from '../protocol/metadata-request.js';
import { LIST_OFFSETS, type LogEdge } from '../protocol/offset-requests.js';
import type { KafkaConnections } from './kafka-connections.js';

/** The id of a topic and the leaders of its partitions. Read when first needed, and again on `refresh`. */
export class TopicLog {
  private id: string | undefined;
  private partitions = new Map<number, PartitionMetadata>();
  private refreshing: Promise<void> | undefined;

  constructor(
    private readonly connections: KafkaConnections,
    readonly topic: string,
  ) {}

  /** @throws KafkaError when there is no such topic, or anything else when no broker answers */
  async topicId(): Promise<string> {
    if (this.id === undefined) await this.refresh();
    return this.id ?? '';
  }

  /** As last read. */
  get partitionNumbers(): number[] {
    return [...this.partitions.keys()];
  }

  /** As last read. @returns undefined while the partition has no known leader */
  leaderOf(partition: number): PartitionMetadata | undefined {
    const known = this.partitions.get(partition);
    return known === undefined || known.leader < 0 ? undefined : known;
  }

  /** Reads all anew; several callers share one request. @throws as `topicId` */
  async refresh(): Promise<void> {
    this.refreshing ??= this.read();
    try {
      await this.refreshing;
    } finally {
      this.refreshing = undefined;
    }
  }

  /** An edge of a partition's log. @throws KafkaError, or anything else when its leader doesn't answer */
  async edge(partition: number, edge: LogEdge): Promise<number> {
    if (this.leaderOf(partition) === undefined) await this.refresh();
    const leader = this.leaderOf(partition)?.leader;
    if (leader === undefined) throw new Error(`${this.topic} has no leader for partition ${partition}`);
    return this.connections.request(leader, LIST_OFFSETS, { topic: this.topic, partition, edge });
  }

  private async read(): Promise<void> {
    const { topics } = await this.connections.requestAny(METADATA, [this.topic]);
    const [found] = topics;
    if (found === undefined) throw new Error(`no metadata of the topic ${this.topic}`);
    if (found.errorCode !== 0) this.partitions = new Map();
    throwOnError(found.errorCode, `Metadata of the topic ${this.topic}`);
    this.id = found.topicId;
    this.partitions = new Map(found.partitions.map((each) => [each.partition, each]));
  }
}
