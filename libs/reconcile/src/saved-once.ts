import { MongoServerError, UUID, type MongoClient } from 'mongodb';
import { FULL_BLOCK_ORDERS, type OperationDocument } from '#orders/operation.js';
import type { MissingRecord } from './report.js';

/** How many missing orders are looked for in the oplog: it is read from end to end for them. */
const LOOKED_FOR = 1_000;
const PATIENCE_MS = 20_000;

interface OplogEntry {
  readonly op: 'i' | 'd';
  readonly o: { readonly _id: UUID };
  readonly wall: Date;
}

/**
 * Whether missing orders were saved once: by the blocks that were found full, and by MongoDB's oplog as far as it reaches back.
 * @returns the records with their blame, `saved-then-gone` where that is shown
 */
export async function withEvidence(
  client: MongoClient,
  collection: string,
  { fullBlocks }: OperationDocument,
  lost: readonly MissingRecord[],
): Promise<MissingRecord[]> {
  const full = new Set(fullBlocks);
  const entries = await oplogEntries(client, collection, lost.slice(0, LOOKED_FOR));
  return lost.map((record) => {
    const evidence = entries.get(record.id);
    if (evidence !== undefined) return { ...record, blame: 'saved-then-gone', evidence };
    if (!full.has(Math.floor(record.index / FULL_BLOCK_ORDERS))) return record;
    return { ...record, blame: 'saved-then-gone', evidence: 'all orders of its block of numbers were there before' };
  });
}

async function oplogEntries(
  client: MongoClient,
  collection: string,
  lost: readonly MissingRecord[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  if (lost.length === 0) return found;
  const ids = lost.map(({ id }) => new UUID(id));
  const oplog = client.db('local').collection<OplogEntry>('oplog.rs');
  try {
    const entries = oplog
      .find({ ns: collection, op: { $in: ['i', 'd'] }, 'o._id': { $in: ids } }, { maxTimeMS: PATIENCE_MS })
      .sort({ $natural: 1 });
    for await (const { op, o, wall } of entries) {
      const past = op === 'i' ? 'saved' : 'deleted';
      const id = String(o._id);
      const before = found.get(id);
      found.set(id, `${before === undefined ? '' : `${before}, `}${past} at ${wall.toISOString()}`);
    }
  } catch (error) {
    // A user without access to the oplog, one that takes too long to read: there is less evidence then, and no less loss.
    if (!(error instanceof MongoServerError)) throw error;
  }
  return found;
}
