import { Injectable } from '@nestjs/common';
import { BSON, UUID } from 'mongodb';
import { fromDocument, type OrderDocument } from '#orders/order-document.js';
import type { Order } from '#orders/order.js';
import { ORDER_INDEXES, ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';
import type { IndexInterval } from '../order-query/index-interval.js';

/** Beyond this MongoDB gives up an order query: whoever asked has gone by then. */
const QUICKLY = { projection: { ingest: 0 }, maxTimeMS: 5_000 };

export interface IndexRangeScan {
  /** `undefined`: nothing can stand in it. */
  readonly interval: IndexInterval | undefined;
  /** Up the index, or down. */
  readonly direction: 1 | -1;
  readonly limit: number;
  /** Orders passed over first; each costs a look at its key. 0 unless given. */
  readonly skip?: number;
}

/** An order as MongoDB sends it: the bytes of its document. */
export type EncodedOrder = Uint8Array;

export function decodeOrder(bytes: EncodedOrder): Order {
  return fromDocument(BSON.deserialize(bytes) as OrderDocument);
}

/** Reads saved orders, by majority: an order once shown is there for ever. */
@Injectable()
export class SavedOrders {
  constructor(private readonly mongo: Mongo) {}

  /** @returns `null` when there is none, or none yet */
  async byId(id: string): Promise<Order | null> {
    const document = await this.collection.findOne({ _id: new UUID(id) }, QUICKLY);
    return document && fromDocument(document);
  }

  /** Those that are there, by their ids. */
  async byIds(ids: Iterable<string>): Promise<Map<string, Order>> {
    const found = await this.collection
      .find({ _id: { $in: Array.from(ids, (id) => new UUID(id)) } }, QUICKLY)
      .toArray();
    return new Map(found.map((document) => [document._id.toHexString(), fromDocument(document)]));
  }

  async stretch(stretch: IndexRangeScan): Promise<Order[]> {
    if (stretch.interval === undefined) return [];
    const documents: OrderDocument[] = await this.cursor({ ...stretch, interval: stretch.interval }).toArray();
    return documents.map(fromDocument);
  }

  /** A stretch as it came, undecoded: what is decoded one at a time leaves nothing behind for the collector to copy. */
  async encodedStretch(stretch: IndexRangeScan): Promise<EncodedOrder[]> {
    if (stretch.interval === undefined) return [];
    const cursor = this.cursor({ ...stretch, interval: stretch.interval }, { raw: true });
    // What the types of the driver don't know: `raw` gives bytes.
    return (await cursor.toArray()) as unknown as EncodedOrder[];
  }

  cursor(
    { interval: { index, min, max }, direction, limit, skip = 0 }: IndexRangeScan & { interval: IndexInterval },
    { raw = false } = {},
  ) {
    return this.collection.find(
      {},
      { ...QUICKLY, raw, hint: index, min, max, sort: sortOf(index, direction), skip, limit, batchSize: limit + 1 },
    );
  }

  private get collection() {
    return ordersCollection(this.mongo.db);
  }
}

/** The index's own key pattern, or all of it turned round: whatever else would be sorted in memory. */
function sortOf(index: string, direction: 1 | -1): [string, 1 | -1][] {
  const key = ORDER_INDEXES.find(({ name }) => name === index)?.key ?? {};
  return Object.keys(key).map((field) => [field, direction]);
}
