import { ORDERS_TOPIC, SAVERS_GROUP } from '#orders/topics.js';
import type { Admin, Kafka } from '#parallel-consumer/kafka/kafkajs.js';

/** How far the group of the savers is behind the end of the orders' topic, in records: by what it has committed. */
export class ConsumerLag {
  private admin: Promise<Admin> | undefined;

  constructor(private readonly kafka: Kafka) {}

  /** @throws when Kafka doesn't answer */
  async records(): Promise<number> {
    const admin = await this.connected();
    const [ends, [committed]] = await Promise.all([
      admin.fetchTopicOffsets(ORDERS_TOPIC),
      admin.fetchOffsets({ groupId: SAVERS_GROUP, topics: [ORDERS_TOPIC] }),
    ]);
    const offsets = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    return ends.reduce((sum, { partition, high, low }) => {
      const offset = offsets.get(partition) ?? -1;
      // Nothing committed yet: the group will begin at the first record that there is.
      return sum + Number(high) - (offset < 0 ? Number(low) : offset);
    }, 0);
  }

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
