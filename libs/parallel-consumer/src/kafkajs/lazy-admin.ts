import type { Admin, Kafka } from 'kafkajs';

/** kafkajs's admin client, connected on first use. A failed connection is not cached. */
export class LazyAdmin {
  private admin: Promise<Admin> | undefined;

  constructor(private readonly kafka: Kafka) {}

  /** Returns the connected client. @throws when no broker is reachable */
  async connected(): Promise<Admin> {
    this.admin ??= this.connect();
    try {
      return await this.admin;
    } catch (error) {
      this.admin = undefined;
      throw error;
    }
  }

  /** Disconnects. A later `connected` connects again. */
  async close(): Promise<void> {
    const { admin } = this;
    this.admin = undefined;
    await (await admin)?.disconnect();
  }

  private async connect(): Promise<Admin> {
    const admin = this.kafka.admin();
    await admin.connect();
    return admin;
  }
}
