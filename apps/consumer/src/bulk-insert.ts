import { MongoBulkWriteError, type Collection, type WriteError } from 'mongodb';
import { fromDocument, sameImportedOrder, sameOrder, type OrderDocument } from '#orders/order-document.js';
import { ordersCollection } from '#orders/orders-collection.js';
import type { Mongo } from '#service/mongo.js';

/**
 * How the insert of one order ended.
 * - `saved`: it is durable now
 * - `repeated`: the same order was durable before: a replay, harmless
 * - `conflict`: another order holds its id or its number; nothing was overwritten
 * - `refused`: MongoDB will not take this document, for a reason of its own
 */
export type InsertResult =
  | { readonly kind: 'saved' }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'conflict'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Nothing is known of any order of the bulk: all of it goes again. */
export class BulkUncertainError extends Error {
  override readonly name = 'BulkUncertainError';
  readonly code = 'bulk-uncertain';
}

const SAVED: InsertResult = { kind: 'saved' };
const REPEATED: InsertResult = { kind: 'repeated' };
const DUPLICATE_KEY = 11000;
/** Errors of a single write that blame the document itself: bad value, wrong type, failed validation, too large, key too long. */
const DOCUMENT_AT_FAULT = new Set([2, 14, 121, 10334, 17280]);

/**
 * Inserts orders in one durable bulk (`w: majority`, journaled, unordered, so that one bad order fails alone).
 * A write-concern or network error proves nothing and is thrown; a duplicate is held against what is stored.
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
  // No single failure explains the error: the bulk broke off as a whole.
  if (failures.length === 0) throw error;
  // Whatever isn't surely the document's fault may be the server's: then the bulk goes again.
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

/** By a majority read: what it finds is as durable as an acknowledged insert. @returns those that have an id or a number of these, by both */
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

/** The server tells which index refused only in its message, so that what is stored is asked itself. */
function compare(document: OrderDocument, stored: ReadonlyMap<string, OrderDocument>): InsertResult {
  const there = stored.get(idOf(document));
  if (there === undefined) {
    // Whatever it is may also be of a primary that is none any more, and is gone then.
    if (!stored.has(numberOf(document))) throw new BulkUncertainError('an order is there, but not yet on a majority');
    return { kind: 'conflict', reason: `another order holds number ${numberOf(document)}` };
  }
  const [saved, incoming] = [fromDocument(there), fromDocument(document)];
  // Two imports of the same order at once give it two numbers: the first to be saved is the one.
  if (sameOrder(saved, incoming) || sameImportedOrder(saved, incoming)) return REPEATED;
  return { kind: 'conflict', reason: 'another order with this id and other content is saved' };
}
