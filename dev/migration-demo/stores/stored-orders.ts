import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db, Decimal128, Long, UUID } from 'mongodb';
import type { KnownOrder } from '../load/judge.js';
import { ZONE } from './demo-zone.js';

/**
 * Reads the legacy system's files, past its API.
 * @returns its orders, in the order of the files
 */
export async function readLegacyFiles(folder: string): Promise<readonly KnownOrder[]> {
  const names = (await readdir(folder)).filter((name) => /^\d+\.json$/.test(name));
  const orders: KnownOrder[] = [];
  for (const name of names.toSorted((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10))) {
    const rows = JSON.parse(await readFile(join(folder, name), 'utf8')) as {
      readonly id: string;
      readonly number: number;
    }[];
    for (const row of rows) orders.push({ id: row.id, number: row.number, text: JSON.stringify(row) });
  }
  return orders;
}

/** The fields of a document that the legacy system would show. */
interface Stored {
  readonly _id: UUID;
  readonly accountId: string;
  readonly side: string;
  readonly symbol: string;
  readonly quantity: number;
  readonly price: Decimal128;
  readonly amount: Decimal128;
  readonly currency: string;
  readonly createdAt: Date;
  readonly legacy?: { readonly number: Long | number };
}

/**
 * Reads the new side's orders from MongoDB, past the query API, and writes them as the legacy system would, without the translation of
 * the facade.
 */
export async function readCollection(db: Db): Promise<readonly KnownOrder[]> {
  const orders: KnownOrder[] = [];
  for await (const document of db.collection<Stored>('orders').find({}, { projection: { ingest: 0 } }))
    orders.push(asLegacyOrder(document));
  return orders;
}

/** Exported for its spec. */
export function asLegacyOrder(stored: Stored): KnownOrder {
  const id = stored._id.toString();
  const number = Number(stored.legacy?.number ?? 0);
  const { accountId, side, symbol, quantity, currency } = stored;
  const text = JSON.stringify({
    id,
    number,
    accountId,
    side,
    symbol,
    quantity,
    price: Number(stored.price.toString()),
    amount: Number(stored.amount.toString()),
    currency,
    createdAt: new Date(stored.createdAt.getTime() + ZONE.offsetMinutes * 60_000).toISOString().slice(0, -1),
  });
  return { id, number, text };
}
