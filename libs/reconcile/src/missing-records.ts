import { UUID, MongoError, type Document, type MongoClient } from 'mongodb';
import type { OperationDocument } from '#orders/operation/operation.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { timeLimit } from '#orders/time-limit.js';
import { pendingReason, type PositionOf, type RecordPosition } from './record-positions.js';
import { withoutOplog, type MissingRecord } from './report.js';
import type { CheckContext, Unaccounted } from './check-block.js';
import { readStored } from './stored-content.js';

type Positioned = Unaccounted & { readonly position: RecordPosition };

/**
 * Finds out what happened to records that are neither stored nor dead-lettered, and adds it to the findings.
 * @param positionOf knows the positions of all records
 */
export async function explainMissing(
  records: readonly Unaccounted[],
  positionOf: PositionOf,
  context: CheckContext,
): Promise<void> {
  const { findings, positions } = context;
  const finished: Positioned[] = [];
  for (const record of records) {
    const position = positionOf(record.index, record.fault);
    const blame = position === undefined ? 'never-acknowledged' : pendingReason(position, positions);
    if (blame !== undefined) findings.addMissing(missingRecord(record, position, blame));
    else if (position !== undefined) finished.push({ ...record, position });
  }
  if (finished.length > 0) await findById(finished, context);
}

/**
 * Searches for the orders by id, under any number. An order that is stored as sent was saved after its block was read. That its
 * offset was committed before is not reported as a defect: a stale majority read after a fail-over looks the same.
 */
async function findById(records: readonly Positioned[], { db, findings, archivedIds }: CheckContext): Promise<void> {
  const ids = records.map(({ order }) => new UUID(order.id));
  // Read first: an order that is brought back meanwhile is stored when its range is not listed any more.
  const archived = await archivedIds.find(records.map(({ order }) => order.id));
  const stored = await ordersCollection(db)
    .find({ _id: { $in: ids } }, { readConcern: { level: 'majority' }, raw: true })
    .toArray();
  // With `raw` the driver returns bytes, despite the collection's type.
  const byId = new Map((stored as unknown as Buffer[]).map((bytes) => [String(readStored(bytes)._id), bytes]));
  for (const record of records) {
    const { order, index, fault } = record;
    const found = byId.get(order.id);
    if (found === undefined && fault === undefined && archived.has(order.id)) findings.counts.skipped += 1;
    else if (found === undefined || fault !== undefined)
      findings.addLost([missingRecord(record, record.position, 'committed-past')]);
    else if (order.isStoredAs(found)) findings.counts.saved += 1;
    else if (order.isRepeatOf(found)) findings.counts.skipped += 1;
    else findings.addAltered({ index, id: order.id, fields: order.differences(found) });
  }
}

function missingRecord(
  { index, order, fault }: Unaccounted,
  position: RecordPosition | undefined,
  blame: MissingRecord['blame'],
): MissingRecord {
  const { partition = null, offset = null } = position ?? {};
  return { index, number: order.number, id: order.id, fault: fault ?? null, partition, offset, blame };
}

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
 * @param lost the lost records of the findings, which are not too many
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
