import { explainConnection } from '#service/availability/explain-connection.js';
import { documentedAt } from '#service/settings/settings.js';
import { Mongo } from '#service/mongodb/mongo.js';
import type { AdminSettings } from './settings.js';

/** Thrown when MongoDB does not answer. */
export class MongoUnavailableError extends Error {
  override readonly name = 'MongoUnavailableError';
  readonly code = 'mongodb-unavailable';
}

/**
 * Runs work with a connection to MongoDB, and closes it.
 * @throws MongoUnavailableError within seconds; an error that `explainConnection` explains
 */
export async function withMongo<T>(settings: AdminSettings, work: (mongo: Mongo) => Promise<T>): Promise<T> {
  const mongo = new Mongo(settings.MONGODB_URI, 'orders-admin');
  try {
    await mongo.client.connect().catch((cause: unknown) => {
      if (explainConnection(cause) !== undefined) throw cause;
      throw new MongoUnavailableError(
        `MongoDB does not answer: start it, or correct MONGODB_URI (${documentedAt('MONGODB_URI')})`,
        { cause },
      );
    });
    return await work(mongo);
  } finally {
    await mongo.onApplicationShutdown();
  }
}
