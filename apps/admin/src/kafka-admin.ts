import { connectKafka, type KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Admin } from 'kafkajs';
import { pino } from 'pino';
import { kafkaAccess } from '#service/kafka/kafka-access.js';
import { KafkaProbe } from '#service/kafka/kafka-clients.js';
import { explainConnection } from '#service/availability/explain-connection.js';
import { documentedAt } from '#service/settings/settings.js';
import type { AdminSettings } from './settings.js';

/** Thrown when no broker answers. */
export class KafkaUnavailableError extends Error {
  override readonly name = 'KafkaUnavailableError';
  readonly code = 'kafka-unavailable';
}

/**
 * Runs work with a connection to Kafka, and closes it.
 * @throws KafkaUnavailableError within seconds, since an operator waits; an error that `explainConnection` explains
 */
export async function withKafkaAdmin<T>(
  settings: AdminSettings,
  work: (admin: Admin, options: KafkaOptions) => Promise<T>,
): Promise<T> {
  const options = { ...kafkaAccess(settings), clientId: 'orders-admin', logger: pino({ level: 'silent' }) };
  const probe = new KafkaProbe(options);
  const admin = connectKafka(options).admin();
  try {
    await probe.check().catch((cause: unknown) => {
      if (explainConnection(cause) !== undefined) throw cause;
      throw new KafkaUnavailableError(
        `Kafka does not answer at ${settings.KAFKA_BROKERS.join(',')}: start it, or correct KAFKA_BROKERS (${documentedAt('KAFKA_BROKERS')})`,
        { cause },
      );
    });
    await admin.connect();
    return await work(admin, options);
  } finally {
    await Promise.all([admin.disconnect(), probe.close()]);
  }
}
