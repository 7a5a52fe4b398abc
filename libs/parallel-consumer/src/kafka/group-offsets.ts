import type { CommittedPosition, TopicPartition } from './broker.js';
import type { Admin, Kafka } from './kafkajs.js';

/** What kafkajs's consumer keeps to itself: the group's commits with their metadata, and where partitions begin. */
export class GroupOffsets {
  private admin: Promise<Admin> | undefined;

  constructor(
    private readonly kafka: Kafka,
    private readonly groupId: string,
  ) {}

  /** @throws when the coordinator doesn't answer */
  async committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]> {
    const admin = await this.connected();
    const topics = [...new Set(partitions.map(({ topic }) => topic))];
    const found = new Map<string, CommittedPosition>();
    for (const { topic, partitions: offsets } of await admin.fetchOffsets({ groupId: this.groupId, topics }))
      for (const { partition, offset, metadata } of offsets)
        found.set(`${topic}-${partition}`, {
          topic,
          partition,
          offset: Number(offset) < 0 ? undefined : Number(offset),
          metadata: metadata ?? '',
        });
    return partitions.map(
      ({ topic, partition }) =>
        found.get(`${topic}-${partition}`) ?? { topic, partition, offset: undefined, metadata: '' },
    );
  }

  /** @returns the first offset that the partition still has */
  async earliest({ topic, partition }: TopicPartition): Promise<number> {
    const admin = await this.connected();
    const offsets = await admin.fetchTopicOffsets(topic);
    const found = offsets.find((each) => each.partition === partition);
    if (found === undefined) throw new Error(`${topic} has no partition ${partition}`);
    return Number(found.low);
  }

  async close(): Promise<void> {
    const { admin } = this;
    this.admin = undefined;
    await (await admin)?.disconnect();
  }

  /** Connected when first needed; a connection that could not be made is not kept. */
  private async connected(): Promise<Admin> {
    this.admin ??= this.connect();
    try {
      return await this.admin;
    } catch (error) {
      this.admin = undefined;
      throw error;
    }
  }

  private async connect(): Promise<Admin> {
    const admin = this.kafka.admin();
    await admin.connect();
    return admin;
  }
}
