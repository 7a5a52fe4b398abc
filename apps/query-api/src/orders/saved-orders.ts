import { Injectable } from '@nestjs/common';
import DataLoader from 'dataloader';
import { BSON, UUID } from 'mongodb';
import { fromDocument, type OrderDocument, ordersCollection } from '#orders/order/order-document.js';
import type { Order } from '#orders/order/order.js';
import { ORDER_INDEXES } from '#orders/database/indexes.js';
import { Mongo } from '#service/mongodb/mongo.js';
import type { IndexInterval } from '../order-query/index-interval.js';
import { timeLimit } from '#orders/time-limit.js';

/** MongoDB aborts a read after 5 s: by then the client has usually disconnected. */
const READ_OPTIONS = { projection: { ingest: 0 }, maxTimeMS: timeLimit(5_000) };
/** MongoDB's first batch has up to 101 documents, so that one request reads all. */
const JOINED_AT_MOST = 100;

export interface IndexRangeScan {
  /** `undefined`: the range is empty. */
  readonly interval: IndexInterval | undefined;
  /** 1 scans up the index, -1 down. */
  readonly direction: 1 | -1;
  readonly limit: number;
  /** The number of orders to skip first; each costs one read of its key. Default: 0. */
  readonly skip?: number;
}

/** An order as MongoDB sends it: the bytes of its document. */
export type EncodedOrder = Uint8Array;

export function decodeOrder(bytes: EncodedOrder): Order {
  return fromDocument(BSON.deserialize(bytes) as OrderDocument);
}

/** Reads saved orders with read concern `majority`: an order that was returned once is never rolled back. */
@Injectable()
export class SavedOrders {
  /**
   * Joins the requests that arrive in one turn of the event loop, and caches nothing. At low load each has a query of its own, and starts
   * it at once; the more the process has to do, the more orders one query reads.
   */
  private readonly joined = new DataLoader<string, OrderDocument | null>(
    async (ids) => {
      const found = await this.documents(ids);
      return ids.map((id) => found.get(id) ?? null);
    },
    { cache: false, maxBatchSize: JOINED_AT_MOST, batchScheduleFn: (read) => setImmediate(read) },
  );

  constructor(private readonly mongo: Mongo) {}

  /** @param id in lower case @returns `null` if the order does not exist or is not saved yet */
  async byId(id: string): Promise<Order | null> {
    const document = await this.joined.load(id);
    // Not when it is read: one that is no order must not fail the reads that it was joined with.
    return document && fromDocument(document);
  }

  /** Returns the saved ones among these orders, by id. @param ids in lower case */
  async byIds(ids: Iterable<string>): Promise<Map<string, Order>> {
    const found = await this.documents(ids);
    return new Map(Array.from(found, ([id, document]) => [id, fromDocument(document)]));
  }

  private async documents(ids: Iterable<string>): Promise<Map<string, OrderDocument>> {
    const [first, ...others] = Array.from(ids, (id) => new UUID(id));
    if (first === undefined) return new Map();
    // MongoDB finds one id 50 us faster without a list.
    const _id = others.length === 0 ? first : { $in: [first, ...others] };
    const found = await this.collection.find({ _id }, READ_OPTIONS).toArray();
    return new Map(found.map((document) => [document._id.toHexString(), document]));
  }

  async scan(scan: IndexRangeScan): Promise<Order[]> {
    if (scan.interval === undefined) return [];
    const documents: OrderDocument[] = await this.cursor({ ...scan, interval: scan.interval }).toArray();
    return documents.map(fromDocument);
  }

  /** Scans without decoding. Decoding orders one at a time later leaves no objects alive that the garbage collector must copy. */
  async scanEncoded(scan: IndexRangeScan): Promise<EncodedOrder[]> {
    if (scan.interval === undefined) return [];
    const cursor = this.cursor({ ...scan, interval: scan.interval }, { raw: true });
    // With `raw`, the driver returns bytes; its types do not say so.
    return (await cursor.toArray()) as unknown as EncodedOrder[];
  }

  cursor(
    { interval: { index, min, max }, direction, limit, skip = 0 }: IndexRangeScan & { interval: IndexInterval },
    { raw = false } = {},
  ) {
    return this.collection.find(
      {},
      {
        ...READ_OPTIONS,
        raw,
        hint: index,
        min,
        max,
        sort: sortOf(index, direction),
        skip,
        limit,
        batchSize: limit + 1,
      },
    );
  }

  private get collection() {
    return ordersCollection(this.mongo.db);
  }
}

/** Returns the key pattern of the index, or its reverse. MongoDB would sort any other order in memory. */
function sortOf(index: string, direction: 1 | -1): [string, 1 | -1][] {
  const key = ORDER_INDEXES.find(({ name }) => name === index)?.key ?? {};
  return Object.keys(key).map((field) => [field, direction]);
}
