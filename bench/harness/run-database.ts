import { ensureOrderIndexes, ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';

/** A database of one run: the orders collection, empty, with all its indexes. */
export class RunDatabase {
  private constructor(
    readonly uri: string,
    private readonly mongo: Mongo,
  ) {}

  /** @param uri of the server, whose own database is not touched */
  static async create(uri: string, name: string): Promise<RunDatabase> {
    const own = new URL(uri);
    own.pathname = `/${name}`;
    const mongo = new Mongo(own.href, 'bench');
    await ensureOrderIndexes(mongo.db);
    return new RunDatabase(own.href, mongo);
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
