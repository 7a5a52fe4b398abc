import { ensureOrderIndexes, ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';

/** Of another database on the same server. */
export function databaseUri(uri: string, name: string): string {
  const own = new URL(uri);
  own.pathname = `/${name}`;
  return own.href;
}

/** A database of one run: the orders collection, empty, with all its indexes. */
export class RunDatabase {
  private constructor(
    readonly uri: string,
    private readonly mongo: Mongo,
  ) {}

  /** @param uri of the server, whose own database is not touched */
  static async create(uri: string, name: string): Promise<RunDatabase> {
    const own = databaseUri(uri, name);
    const mongo = new Mongo(own, 'bench');
    await ensureOrderIndexes(mongo.db);
    return new RunDatabase(own, mongo);
  }

  /** Orders that a majority has. */
  async savedOrders(): Promise<number> {
    return ordersCollection(this.mongo.db).countDocuments({}, { readConcern: { level: 'majority' } });
  }

  async drop(): Promise<void> {
    await this.mongo.db.dropDatabase();
    await this.mongo.client.close();
  }
}
