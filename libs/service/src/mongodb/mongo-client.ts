import { MongoClient, MongoParseError, MongoServerSelectionError, type MongoClientOptions } from 'mongodb';
import { documentedAt } from '../settings/setting-docs.js';
import { SettingsError } from '../settings/settings.js';

/** Thrown while no primary can be reached. Its cause is the driver's error. */
export class DatabaseUnreachableError extends Error {
  override readonly name = 'DatabaseUnreachableError';
  readonly code = 'database-away';
}

/** Creates a client of `MONGODB_URI`. @throws SettingsError if the driver does not accept the URI */
export function createMongoClient(uri: string, options: MongoClientOptions): MongoClient {
  try {
    return new MongoClient(uri, options);
  } catch (error) {
    if (!(error instanceof MongoParseError)) throw error;
    throw wrongUri(`is no connection string that MongoDB's driver accepts: ${error.message}`, error);
  }
}

/** Connects a client. @throws SettingsError if a file that the URI names can't be read, DatabaseUnreachableError, or the driver's error */
export async function connectMongoClient(client: MongoClient): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    if (error instanceof MongoServerSelectionError)
      throw new DatabaseUnreachableError(`MongoDB at MONGODB_URI can't be reached: ${error.message}`, { cause: error });
    if (!(error instanceof Error) || !('syscall' in error) || !('path' in error)) throw error;
    throw wrongUri(`names a file that can't be read: ${error.message}`, error);
  }
}

function wrongUri(what: string, cause: Error): SettingsError {
  return new SettingsError(`MONGODB_URI ${what} (${documentedAt('MONGODB_URI')})`, { cause });
}
