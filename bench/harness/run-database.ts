import { migrateDatabase } from '#service/mongodb/migrate-database.js';
import { Mongo } from '#service/mongodb/mongo.js';

/** Returns the URI of another database on the same server. */
export function databaseUri(uri: string, name: string): string {
  const url = new URL(uri);
  url.pathname = `/${name}`;
  return url.href;
}

/** A database for one run: empty collections with all indexes. */
export class RunDatabase {
  private constructor(
    readonly uri: string,
    private readonly mongo: Mongo,
  ) {}

  /** @param uri of the server; its default database stays untouched */
  static async create(uri: string, name: string): Promise<RunDatabase> {
    const runUri = databaseUri(uri, name);
    const mongo = new Mongo(runUri, 'bench');
    await migrateDatabase(mongo.db);
    return new RunDatabase(runUri, mongo);
  }

  /** Counts the documents of a collection that a majority of the replica set has. */
  async saved(collection: string): Promise<number> {
    return this.mongo.db.collection(collection).countDocuments({}, { readConcern: { level: 'majority' } });
  }

  async drop(): Promise<void> {
    await this.mongo.db.dropDatabase();
    await this.mongo.client.close();
  }
}
