import { MongoServerError, type Collection, type Db, type IndexDescription } from 'mongodb';
import type { OrderDocument } from './order-document.js';

/**
 * The six indexes beside `_id`, and no more: each costs every insert (measured, inserts/s: 1 index about 40,000, 6 about
 * 22,000, 24 about 7,000). Each ends in `number`, the tie-break of every sort that it serves.
 */
export const ORDER_INDEXES: (IndexDescription & { name: string })[] = [
  { name: 'number', key: { number: 1 }, unique: true },
  { name: 'createdAt_number', key: { createdAt: 1, number: 1 } },
  { name: 'amount_number', key: { amount: 1, number: 1 } },
  { name: 'accountId_createdAt_number', key: { accountId: 1, createdAt: 1, number: 1 } },
  { name: 'symbol_createdAt_number', key: { symbol: 1, createdAt: 1, number: 1 } },
  {
    name: 'legacyNumber_number',
    key: { 'legacy.number': 1, number: 1 },
    // Not `sparse`: with two fields that leaves out only documents that have neither.
    partialFilterExpression: { 'legacy.number': { $exists: true } },
  },
];

/** What earlier versions had, and nothing asks for any more. */
const RETIRED_INDEXES: ReadonlySet<string> = new Set(['legacy_number']);
const INDEX_NOT_FOUND = 27;

/** The collection of saved orders. */
export function ordersCollection(db: Db): Collection<OrderDocument> {
  return db.collection<OrderDocument>('orders');
}

/** Makes the indexes that are missing, and removes retired ones; those there already cost a look. Safe for several processes at once. */
export async function ensureOrderIndexes(db: Db): Promise<void> {
  await ordersCollection(db).createIndexes(ORDER_INDEXES);
  const there = await ordersCollection(db).indexes();
  for (const { name } of there) if (name && RETIRED_INDEXES.has(name)) await dropIndex(db, name);
}

async function dropIndex(db: Db, name: string): Promise<void> {
  try {
    await ordersCollection(db).dropIndex(name);
  } catch (error) {
    // Another process was faster.
    if (!(error instanceof MongoServerError) || error.code !== INDEX_NOT_FOUND) throw error;
  }
}
