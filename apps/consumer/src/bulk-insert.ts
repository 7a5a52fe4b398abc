import { type Collection, MongoBulkWriteError, type WriteError } from 'mongodb';
import { Counter, Histogram, type Registry } from 'prom-client';
import {
  fromDocument,
  isRepeatedOrder,
  isSameOrder,
  type OrderDocument,
  ordersCollection,
} from '#orders/order/order-document.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { DUPLICATE_KEY } from '#service/mongodb/mongo-errors.js';

/**
 * The result of inserting one order.
 * - `saved`: the order is durable
 * - `repeated`: the same order was durable before; a harmless replay
 * - `conflict`: another order has its id or its number; nothing was overwritten
 * - `refused`: MongoDB rejects this document for another reason
 * - `replayed`: the same record was processed before, and its order is archived by now; a harmless replay
 * - `archived`: the order is archived, and this is another record of it; nothing was inserted
 */
export type InsertResult =
  | { readonly kind: 'saved' }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'conflict'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'replayed' }
  | { readonly kind: 'archived'; readonly reason: string };

/** Inserts orders. @returns one result per document, in the same order */
export type InsertOrders = (documents: readonly OrderDocument[]) => Promise<readonly InsertResult[]>;

/** Thrown when the outcome of every order in the bulk is unknown; the whole bulk must be retried. */
export class BulkUncertainError extends Error {
  override readonly name = 'BulkUncertainError';
  readonly code = 'bulk-uncertain';
}

const SAVED: InsertResult = { kind: 'saved' };
const REPEATED: InsertResult = { kind: 'repeated' };
/** Write errors caused by the document itself: bad value, wrong type, failed validation, too large, key too long. */
const DOCUMENT_AT_FAULT = new Set([2, 14, 121, 10334, 17280]);

/**
 * Inserts orders in one durable bulk (`w: majority`, journaled; unordered, so that one bad order fails alone).
 * A write-concern or network error leaves the outcome unknown and is thrown; a duplicate is compared with the stored order.
 * @throws BulkUncertainError, or the driver's network errors
 */
export async function insertOrders(mongo: Mongo, documents: readonly OrderDocument[]): Promise<InsertResult[]> {
  const collection = ordersCollection(mongo.db);
  try {
    await collection.insertMany([...documents], { ordered: false });
    return documents.map(() => SAVED);
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    return resultsOf(error, documents, collection);
  }
}

async function resultsOf(
  error: MongoBulkWriteError,
  documents: readonly OrderDocument[],
  collection: Collection<OrderDocument>,
): Promise<InsertResult[]> {
  const failures: WriteError[] = [error.writeErrors].flat();
  const concern = error.result.getWriteConcernError();
  if (concern !== undefined)
    throw new BulkUncertainError(`the write concern was not met: ${concern.errmsg}`, { cause: error });
  // Without write errors, the bulk failed as a whole.
  if (failures.length === 0) throw error;
  // Any other error may be caused by the server, so the bulk must be retried.
  const other = failures.find(({ code }) => code !== DUPLICATE_KEY && !DOCUMENT_AT_FAULT.has(code));
  if (other) throw new BulkUncertainError(`MongoDB could not write: ${other.errmsg}`, { cause: error });
  const results = documents.map(() => SAVED);
  const duplicates = failures.filter(({ code }) => code === DUPLICATE_KEY);
  for (const { index, errmsg } of failures) results[index] = { kind: 'refused', reason: errmsg ?? 'no reason given' };
  const stored = await storedOrders(
    collection,
    duplicates.map(({ index }) => documents[index] as OrderDocument),
  );
  for (const { index } of duplicates) results[index] = compare(documents[index] as OrderDocument, stored);
  return results;
}

/**
 * Finds stored orders with the id or the number of any of these. It is a majority read, so that its results are as durable as
 * an acknowledged insert.
 * @returns the stored orders, by id and by number
 */
async function storedOrders(
  collection: Collection<OrderDocument>,
  documents: readonly OrderDocument[],
): Promise<Map<string, OrderDocument>> {
  const ids = documents.map(({ _id }) => _id);
  const numbers = documents.map(({ number }) => number);
  const held = { $or: [{ _id: { $in: ids } }, { number: { $in: numbers } }] };
  const found = await collection.find(held, { readConcern: { level: 'majority' } }).toArray();
  return new Map(found.flatMap((document) => [idOf(document), numberOf(document)].map((key) => [key, document])));
}

const idOf = ({ _id }: OrderDocument): string => _id.toHexString();
const numberOf = ({ number }: OrderDocument): string => String(number);

/** Compares a rejected document with the stored orders: the server names the violated index only in its message. */
function compare(document: OrderDocument, stored: ReadonlyMap<string, OrderDocument>): InsertResult {
  const existing = stored.get(idOf(document));
  if (existing === undefined) {
    // The duplicate may be on a former primary only, and be rolled back.
    if (!stored.has(numberOf(document))) throw new BulkUncertainError('a duplicate exists, but not on a majority yet');
    return { kind: 'conflict', reason: `another order has number ${numberOf(document)}` };
  }
  const [saved, incoming] = [fromDocument(existing), fromDocument(document)];
  if (isSameOrder(saved, incoming)) return REPEATED;
  // Two imports or two requests with the same order assign two numbers, and maybe two times: the order that is saved first wins.
  const isAssigned = existing.ingest.createdAtAssigned && document.ingest.createdAtAssigned;
  if (isRepeatedOrder(saved, isAssigned ? { ...incoming, createdAt: saved.createdAt } : incoming)) return REPEATED;
  return { kind: 'conflict', reason: 'an order with this id and different content is saved' };
}

const KINDS: readonly InsertResult['kind'][] = ['saved', 'repeated', 'conflict', 'refused', 'replayed', 'archived'];

/** Wraps an insert with metrics: the duration is MongoDB's part of a save, without the simulated delay. */
export function measuredInsert(insert: InsertOrders, registry: Registry): InsertOrders {
  const registers = [registry];
  const durations = new Histogram({
    name: 'consumer_bulk_insert_duration_seconds',
    help: 'Duration of one bulk insert of orders, until it was durable on a majority or failed as a whole',
    labelNames: ['result'],
    buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const orders = new Counter({
    name: 'consumer_orders_total',
    help: 'Orders to be saved, by result: saved, repeated (saved before), conflict, refused, replayed (saved before, and archived), or archived (new record of an archived order)',
    labelNames: ['result'],
    registers,
  });
  for (const result of KINDS) orders.inc({ result }, 0);
  for (const result of ['succeeded', 'failed']) durations.zero({ result });
  return async (documents) => {
    const startedAt = performance.now();
    const note = (result: string): void => durations.observe({ result }, (performance.now() - startedAt) / 1_000);
    try {
      const results = await insert(documents);
      note('succeeded');
      const counts = { saved: 0, repeated: 0, conflict: 0, refused: 0, replayed: 0, archived: 0 };
      for (const { kind } of results) counts[kind] += 1;
      for (const result of KINDS) orders.inc({ result }, counts[result]);
      return results;
    } catch (error) {
      note('failed');
      throw error;
    }
  };
}
