import { MongoServerError, type Collection, type Db, type IndexDescription } from 'mongodb';
import type { OrderDocument } from './order-document.js';

/**
 * The six indexes in addition to `_id`. Each index slows down every insert (measured: about 40,000 inserts/s with 1 index,
 * 22,000 with 6, 7,000 with 24). Each ends in `number`, the tie-breaker of every sort that it serves.
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
    // Not `sparse`: a sparse index on two fields excludes only documents that have neither.
    partialFilterExpression: { 'legacy.number': { $exists: true } },
  },
];

/** Indexes of earlier versions that no query uses any more. */
const RETIRED_INDEXES: ReadonlySet<string> = new Set(['legacy_number']);
const INDEX_NOT_FOUND = 27;

/** The collection of saved orders. */
export function ordersCollection(db: Db): Collection<OrderDocument> {
  return db.collection<OrderDocument>('orders');
}

/** Creates missing indexes and drops retired ones. Safe to run in several processes at once. */
export async function ensureOrderIndexes(db: Db): Promise<void> {
  await ordersCollection(db).createIndexes(ORDER_INDEXES);
  const existing = await ordersCollection(db).indexes();
  for (const { name } of existing) if (name && RETIRED_INDEXES.has(name)) await dropIndex(db, name);
}

async function dropIndex(db: Db, name: string): Promise<void> {
  try {
    await ordersCollection(db).dropIndex(name);
  } catch (error) {
    // Another process has already dropped it.
    if (!(error instanceof MongoServerError) || error.code !== INDEX_NOT_FOUND) throw error;
  }
}
