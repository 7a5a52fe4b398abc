import type { Admin, Kafka } from 'kafkajs';

/** Tries Kafka for readiness, over a connection of its own that never retries: an answer must come within seconds. */
export class KafkaProbe {
  private admin: Admin | undefined;

  constructor(private readonly kafka: Kafka) {}

  /** @throws when no broker answers */
  async check(): Promise<void> {
    try {
      this.admin ??= this.kafka.admin({ retry: { retries: 0 } });
      await this.admin.connect();
      await this.admin.describeCluster();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const admin = this.admin;
    this.admin = undefined;
    await admin?.disconnect();
  }
}
