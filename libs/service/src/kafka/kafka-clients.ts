import type { z } from 'zod';
import type { Admin, Kafka } from 'kafkajs';
import type { Broker, EngineLogger } from '@orders-pipeline/parallel-consumer';
import {
  connectKafka,
  KafkajsBroker,
  KafkajsConnections,
  reliableProducer,
  type KafkaBrokerOptions,
  type KafkaConnections,
  type ReliableProducer,
  type KafkaOptions,
  LazyAdmin,
} from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Positions, TopicPositions } from '#orders/topics/topics.js';
import type { kafkaSettings } from '../settings/kafka-settings.js';
import { tracing } from '../telemetry/tracing.js';
import { explainConnection } from '../availability/explain-connection.js';
import { kafkaAccess, platformaticAccess } from './kafka-access.js';

/** What orders pass through: the client library that `KAFKA_CLIENT` names. Topics, rights and lag are always asked by kafkajs. */
export interface DataClient {
  broker(options: KafkaBrokerOptions): Broker;
  producer(): ReliableProducer;
  /** Returns connections of their own. */
  connections(): KafkaConnections;
}

/** Loads the client library, and connects on first use. */
export async function dataClient(
  settings: z.infer<z.ZodObject<typeof kafkaSettings>>,
  { clientId, logger }: { readonly clientId: string; readonly logger: EngineLogger },
): Promise<DataClient> {
  if (settings.KAFKA_CLIENT === 'kafkajs') {
    const kafka = connectKafka({ ...kafkaAccess(settings), clientId, logger });
    return {
      broker: (options) => new KafkajsBroker({ ...options, kafka }),
      producer: () => reliableProducer(kafka, logger, tracing()?.batches),
      connections: () => new KafkajsConnections(kafka),
    };
  }
  // It needs several MiB, which no process of the default should have.
  const library = await import('@orders-pipeline/parallel-consumer/platformatic');
  const client = library.connectPlatformatic({ ...platformaticAccess(settings), clientId });
  return {
    broker: (options) => new library.PlatformaticBroker({ ...options, client }),
    producer: () => library.reliableProducer(client, logger, tracing()?.batches),
    connections: () => client.connections(),
  };
}

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
   * clients repeat such an attempt for a minute, as if the broker were unavailable.
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

/** Reads positions from Kafka. Connects on first use. */
export class KafkaPositions implements TopicPositions {
  private readonly admin: LazyAdmin;

  constructor(kafka: Kafka) {
    this.admin = new LazyAdmin(kafka);
  }

  async ends(topic: string): Promise<Positions> {
    const offsets = await (await this.admin.connected()).fetchTopicOffsets(topic);
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  }

  async committed(groupId: string, topic: string): Promise<Positions> {
    const admin = await this.admin.connected();
    const [group] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    if ([...committed.values()].every((offset) => offset >= 0)) return committed;
    // The group begins partitions without a commit at their first record.
    const starts = await admin.fetchTopicOffsets(topic);
    return new Map(starts.map(({ partition, low }) => [partition, committedOr(Number(low), committed.get(partition))]));
  }

  async close(): Promise<void> {
    await this.admin.close();
  }
}

function committedOr(low: number, offset = -1): number {
  return offset < 0 ? low : offset;
}
