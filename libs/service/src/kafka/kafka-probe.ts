import type { EngineLogger } from '@orders-pipeline/parallel-consumer';
import { connectKafka, type KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Admin, Kafka } from 'kafkajs';
import { explainConnection } from '../availability/explain-connection.js';

const SILENT: EngineLogger = { info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // The caller reports the error that it gets.
}

/** Checks that Kafka is available, for readiness. It uses its own connection without retries, so that it fails within seconds. */
export class KafkaProbe {
  private admin: Admin | undefined;

  private readonly kafka: Kafka;

  constructor(options: KafkaOptions) {
    // An admin's own `retry` does not apply to its connections. Not logged, because callers report failures, and repeat the check.
    this.kafka = connectKafka({ ...options, logger: SILENT, retry: { retries: 0 } });
  }

  /** @throws when no broker responds */
  async check(): Promise<void> {
    try {
      this.admin ??= this.kafka.admin();
      await this.admin.connect();
      await this.admin.describeCluster();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Fails at once if the settings keep Kafka from accepting this client, such as with the certificate of an unknown authority. Other
   * clients repeat such an attempt for a minute, as if the broker were away.
   * @throws kafkajs's error that `explainConnection` explains; resolves if Kafka is unavailable
   */
  async requireAccess(): Promise<void> {
    try {
      await this.check();
    } catch (error) {
      if (explainConnection(error) !== undefined) throw error;
    }
  }

  async close(): Promise<void> {
    const admin = this.admin;
    this.admin = undefined;
    await admin?.disconnect();
  }
}
