import { MongoError, UUID, type Document, type MongoClient } from 'mongodb';
import { FULL_BLOCK_ORDERS, type OperationDocument } from '#orders/operation.js';
import type { MissingRecord } from './report.js';

/** How many missing orders are looked for in the oplog: it is read from end to end for them. */
export const LOOKED_FOR = 1_000;
/** Shorter than the services wait for any answer of MongoDB. */
const PATIENCE_MS = 8_000;

interface DeleteEntry {
  readonly op: string;
  readonly ns: string;
  readonly o: { readonly _id?: UUID; readonly applyOps?: readonly DeleteEntry[] };
  readonly wall?: Date;
}

/**
 * Whether missing orders were saved once: by MongoDB's oplog as far as it reaches back, and by the blocks that were found full.
 * @param lost at most LOOKED_FOR
 * @returns the records with their blame, `saved-then-gone` where that is shown
 */
export async function withEvidence(
  client: MongoClient,
  collection: string,
  operation: OperationDocument,
  lost: readonly MissingRecord[],
): Promise<MissingRecord[]> {
  const deleted = await deletions(client, collection, lost);
  return lost.map((record) => {
    const at = record.fault === null ? deleted.get(record.id) : undefined;
    if (at === undefined) return withoutOplog(record, operation);
    return { ...record, blame: 'saved-then-gone', evidence: `deleted at ${at}` };
  });
}

/** The same by what the operation remembers alone. What was faulty was never saved, whatever its order was. */
export function withoutOplog(record: MissingRecord, { fullBlocks }: OperationDocument): MissingRecord {
  const isFull = fullBlocks.includes(Math.floor(record.index / FULL_BLOCK_ORDERS));
  if (record.fault !== null || !isFull) return record;
  return { ...record, blame: 'saved-then-gone', evidence: 'all orders of its block of numbers were there before' };
}

/** When each was deleted, as text. A delete that finds nothing leaves no entry, so an entry shows that the order was there. */
async function deletions(
  client: MongoClient,
  ns: string,
  lost: readonly MissingRecord[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  if (lost.length === 0) return found;
  const isOne: Document = { ns, op: 'd', 'o._id': { $in: lost.map(({ id }) => new UUID(id)) } };
  try {
    const entries = client
      .db('local')
      .collection<DeleteEntry>('oplog.rs')
      .find({ $or: [isOne, { op: 'c', 'o.applyOps': { $elemMatch: isOne } }] }, { maxTimeMS: PATIENCE_MS });
    for await (const { op, o, wall } of entries) {
      const deletes = op === 'c' ? (o.applyOps ?? []).filter((each) => each.op === 'd' && each.ns === ns) : [{ o }];
      for (const each of deletes) found.set(String(each.o._id), wall?.toISOString() ?? 'an unknown time');
    }
  } catch (error) {
    // A user without access to the oplog, or one that takes too long to read: there is less evidence then, and no less loss.
    if (!(error instanceof MongoError)) throw error;
  }
  return found;
}
