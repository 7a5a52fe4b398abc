import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import type { LegacyRecord } from '#legacy/translation/to-legacy.js';
import type { OrderDocument } from '#orders/order/order-document.js';

/** An order in one form for answers, for the legacy system's files and for MongoDB's collection, made without the product's translation. */
export interface StoredOrder {
  readonly id: string;
  /** The legacy number. */
  readonly number: number;
  readonly accountId: string;
  /** The serial of the write: see `WrittenOrder`. */
  readonly quantity: number;
  /** The JSON of the order, with the legacy system's fields in its order. */
  readonly text: string;
}

/** The orders of one side, as its files or its collection have them. */
export type StoredSide = readonly StoredOrder[];

/** An order of the new side, with its place on the topic. */
export interface NewSideOrder extends StoredOrder {
  /** Whether the facade sent it, not an import. */
  readonly isSent: boolean;
  readonly partition: number;
  readonly offset: number;
}

/** The time zone of the legacy system: far from UTC, and without changes of the clocks, so that each local time is one instant. */
export const ZONE = { name: 'Asia/Kolkata', offsetMinutes: 330 } as const;

const ORDERS_PER_FILE = 1_000;

export function storedOrder(record: LegacyRecord): StoredOrder {
  const { id, number, accountId, quantity } = record;
  return { id, number, accountId, quantity, text: JSON.stringify(record) };
}

/** Reads the legacy system's files themselves, beside the legacy system: neither it nor the facade is asked. */
export class LegacyFiles {
  private readonly cache = new Map<string, { readonly version: string; readonly orders: StoredSide }>();

  constructor(private readonly folder: string) {}

  /** Returns all orders, by number. Each file is whole; two files are not of the same moment. */
  async all(): Promise<StoredSide> {
    const names = (await readdir(this.folder)).filter((name) => /^\d+\.json$/.test(name));
    const sorted = names.toSorted((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10));
    return (await Promise.all(sorted.map(async (name) => this.file(name)))).flat();
  }

  /** Returns whether the order with this number has this id now. */
  async has({ number, id }: StoredOrder): Promise<boolean> {
    const name = `${Math.floor((number - 1) / ORDERS_PER_FILE)}.json`;
    const orders = await this.file(name).catch(() => []);
    return orders.some((order) => order.number === number && order.id === id);
  }

  private async file(name: string): Promise<StoredSide> {
    const path = join(this.folder, name);
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    const version = `${ino} ${size} ${mtimeNs}`;
    const cached = this.cache.get(name);
    if (cached?.version === version) return cached.orders;
    const orders = (JSON.parse(await readFile(path, 'utf8')) as readonly LegacyRecord[]).map(storedOrder);
    this.cache.set(name, { version, orders });
    return orders;
  }
}

/** Reads MongoDB's collection itself: neither the query API nor the facade is asked. */
export async function newSideOrders(db: Db): Promise<readonly NewSideOrder[]> {
  const intakes = db.collection<{ _id: string; kind: string }>('operations').find({ kind: 'intake' });
  const sent = new Set((await intakes.project<{ _id: string }>({ _id: 1 }).toArray()).map(({ _id }) => _id));
  const orders: NewSideOrder[] = [];
  for await (const document of db.collection<OrderDocument>('orders').find()) {
    const { operationId, partition, offset } = document.ingest;
    const isSent = sent.has(operationId?.toHexString() ?? '');
    orders.push({ ...asLegacyOrder(document), isSent, partition, offset: Number(offset) });
  }
  return orders;
}

/** Writes a document of the new side as the legacy system would. */
export function asLegacyOrder(document: Omit<OrderDocument, 'ingest' | 'number'>): StoredOrder {
  const { _id, legacy, accountId, side, symbol, quantity, price, amount, currency, createdAt } = document;
  return storedOrder({
    id: _id.toHexString(),
    number: Number(legacy?.number ?? 0),
    accountId,
    side,
    symbol,
    quantity,
    price: Number(price.toString()),
    amount: Number(amount.toString()),
    currency,
    createdAt: new Date(createdAt.getTime() + ZONE.offsetMinutes * 60_000).toISOString().slice(0, -1),
  });
}

/** Counts the write intents that are not final, in the facade's own documents. */
export async function openIntents(db: Db): Promise<number> {
  const open = await db
    .collection<{ open: readonly unknown[] }>('migrationBuckets')
    .find({ 'open.id': { $exists: true } })
    .toArray();
  return open.reduce((count, bucket) => count + bucket.open.length, 0);
}
