import { MongoError, UUID, type Document, type MongoClient } from 'mongodb';
import { FULL_BLOCK_ORDERS, type OperationDocument } from '#orders/operation/operation.js';
import type { MissingRecord } from './report.js';
import { timeLimit } from '#orders/time-limit.js';

/** Maximum number of missing orders to search for in the oplog, which is read completely for them. */
export const LOOKED_FOR = 1_000;
/** Shorter than the services' time-out for MongoDB. */
const OPLOG_TIMEOUT_MS = timeLimit(8_000);

interface DeleteEntry {
  readonly op: string;
  readonly ns: string;
  readonly o: { readonly _id?: UUID; readonly applyOps?: readonly DeleteEntry[] };
  readonly wall?: Date;
}

/**
 * Searches for evidence that missing orders were saved before: in MongoDB's oplog, and in the blocks that were known to be full.
 * @param lost at most LOOKED_FOR records
 * @returns the records, with the blame `saved-then-gone` if there is evidence
 */
export async function withEvidence(
  client: MongoClient,
  collection: string,
  operation: OperationDocument,
  lost: readonly MissingRecord[],
): Promise<MissingRecord[]> {
  const deleted = await deletions(client, collection, lost);
  return lost.map((record) => {
    const at = record.fault === null && record.id !== null ? deleted.get(record.id) : undefined;
    if (at === undefined) return withoutOplog(record, operation);
    return { ...record, blame: 'saved-then-gone', evidence: `deleted at ${at}` };
  });
}

/** Searches for evidence in the operation document alone. A faulty record was never saved, even if the order of its index was. */
export function withoutOplog(record: MissingRecord, { fullBlocks }: OperationDocument): MissingRecord {
  const isFull = fullBlocks.includes(Math.floor(record.index / FULL_BLOCK_ORDERS));
  if (record.fault !== null || !isFull) return record;
  return { ...record, blame: 'saved-then-gone', evidence: 'all orders of its number block were saved before' };
}

/** Returns the time of each deletion, as text. A delete without a match has no oplog entry, so an entry proves that the order existed. */
async function deletions(
  client: MongoClient,
  ns: string,
  lost: readonly MissingRecord[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const ids = lost.flatMap(({ id }) => (id === null ? [] : new UUID(id)));
  if (ids.length === 0) return found;
  const isOne: Document = { ns, op: 'd', 'o._id': { $in: ids } };
  try {
    const entries = client
      .db('local')
      .collection<DeleteEntry>('oplog.rs')
      .find({ $or: [isOne, { op: 'c', 'o.applyOps': { $elemMatch: isOne } }] }, { maxTimeMS: OPLOG_TIMEOUT_MS });
    for await (const { op, o, wall } of entries) {
      const deletes = op === 'c' ? (o.applyOps ?? []).filter((each) => each.op === 'd' && each.ns === ns) : [{ o }];
      for (const each of deletes) found.set(String(each.o._id), wall?.toISOString() ?? 'an unknown time');
    }
  } catch (error) {
    // Continue without evidence if the user may not read the oplog, or if reading it takes too long.
    if (!(error instanceof MongoError)) throw error;
  }
  return found;
}
