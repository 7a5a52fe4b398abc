import type { Broker, EngineLogger } from '@orders-pipeline/parallel-consumer';
import {
  connectKafka,
  KafkajsBroker,
  KafkajsConnections,
  reliableProducer,
  type KafkaBrokerOptions,
  type KafkaConnections,
  type ReliableProducer,
} from '@orders-pipeline/parallel-consumer/kafkajs';
import type { z } from 'zod';
import type { kafkaSettings } from '../settings/kafka-settings.js';
import { kafkaAccess } from './kafka-access.js';
import { platformaticAccess } from './platformatic-access.js';

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
      producer: () => reliableProducer(kafka, logger),
      connections: () => new KafkajsConnections(kafka),
    };
  }
  // It needs several MiB, which no process of the default should have.
  const library = await import('@orders-pipeline/parallel-consumer/platformatic');
  const client = library.connectPlatformatic({ ...platformaticAccess(settings), clientId });
  return {
    broker: (options) => new library.PlatformaticBroker({ ...options, client }),
    producer: () => library.reliableProducer(client, logger),
    connections: () => client.connections(),
  };
}
