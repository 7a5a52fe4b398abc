import { dataClient, type DataClient } from '#service/kafka/kafka-clients.js';
import { kafkaSettings } from '#service/settings/kafka-settings.js';
import { loadSettings } from '#service/settings/settings.js';
import { z } from 'zod';
import { contenderLogger as logger } from './contender-logger.js';
import type { Job, KafkaClient } from './job.js';

/** Connects to the Kafka of a job over a client library, as the apps do. */
export async function connectClient({ brokers }: Job, client: KafkaClient): Promise<DataClient> {
  const settings = loadSettings(z.object(kafkaSettings), { KAFKA_BROKERS: brokers, KAFKA_CLIENT: client });
  return dataClient(settings, { clientId: 'bench', logger });
}
