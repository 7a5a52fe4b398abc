import {
  connectKafka,
  KafkajsConnections,
  RecordReader,
  type KafkaOptions,
} from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Admin } from 'kafkajs';
import { MongoServerError } from 'mongodb';
import { pino } from 'pino';
import { explainConnection } from '#service/availability/explain-connection.js';
import { kafkaAccess } from '#service/kafka/kafka-access.js';
import { KafkaPositions, KafkaProbe } from '#service/kafka/kafka-clients.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { documentedAt } from '#service/settings/settings.js';
import { AdminError, type AdminErrorCode } from './environment.js';
import type { AdminSettings } from './settings.js';

/**
 * Runs work with a connection to MongoDB, and closes it.
 * @throws AdminError `mongodb-unavailable` within seconds; an error that `explainConnection` explains
 */
export async function withMongo<T>(settings: AdminSettings, work: (mongo: Mongo) => Promise<T>): Promise<T> {
  const mongo = new Mongo(settings.MONGODB_URI, 'orders-admin');
  try {
    await mongo.client.connect().catch((cause: unknown) => {
      const message = `MongoDB does not answer: start it, or correct MONGODB_URI (${documentedAt('MONGODB_URI')})`;
      throw unavailable('mongodb-unavailable', message, cause);
    });
    return await work(mongo);
  } finally {
    await mongo.onApplicationShutdown();
  }
}

/**
 * Runs work with a connection to Kafka, and closes it.
 * @throws AdminError `kafka-unavailable` within seconds, since an operator waits; an error that `explainConnection` explains
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
      const brokers = settings.KAFKA_BROKERS.join(',');
      const message = `Kafka does not answer at ${brokers}: start it, or correct KAFKA_BROKERS (${documentedAt('KAFKA_BROKERS')})`;
      throw unavailable('kafka-unavailable', message, cause);
    });
    await admin.connect();
    return await work(admin, options);
  } finally {
    await Promise.all([admin.disconnect(), probe.close()]);
  }
}

/** The connections of a command that works with both servers. */
export interface Servers {
  readonly mongo: Mongo;
  /** Connected. */
  readonly admin: Admin;
  /** Reads records, and the ids of topics; connects on first use. */
  readonly reader: RecordReader;
  /** Connects on first use. */
  readonly positions: KafkaPositions;
  /** For further connections to Kafka. */
  readonly kafka: KafkaOptions;
}

/** Runs work with connections to Kafka and MongoDB, and closes them. @throws as `withKafkaAdmin` and `withMongo` */
export async function withServers<T>(settings: AdminSettings, work: (servers: Servers) => Promise<T>): Promise<T> {
  return withKafkaAdmin(settings, async (admin, kafka) =>
    withMongo(settings, async (mongo) => {
      const reader = new RecordReader(new KafkajsConnections(connectKafka(kafka)));
      const positions = new KafkaPositions(connectKafka(kafka));
      try {
        return await work({ mongo, admin, reader, positions, kafka });
      } finally {
        await Promise.all([reader.close(), positions.close()]);
      }
    }),
  );
}

/** Codes of MongoDB's errors that mean something to a command. */
export const MONGODB_ERROR = {
  unauthorized: 13,
  namespaceNotFound: 26,
  noReplicationEnabled: 76,
  notYetInitialized: 94,
} as const;

/** Whether MongoDB has answered with this error. */
export function isMongodbError(error: unknown, kind: keyof typeof MONGODB_ERROR): error is MongoServerError {
  return error instanceof MongoServerError && error.code === MONGODB_ERROR[kind];
}

function unavailable(code: AdminErrorCode, message: string, cause: unknown): unknown {
  return explainConnection(cause) === undefined ? new AdminError(code, message, { cause }) : cause;
}
