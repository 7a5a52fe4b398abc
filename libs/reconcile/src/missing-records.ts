import { type Db, UUID, MongoError, type Document, type MongoClient } from 'mongodb';
import type { ArchivedIds } from '#orders/archive/archived-ids.js';
import type { Fault } from '#orders/generator/fault-mix.js';
import { type OperationDocument, FULL_BLOCK_ORDERS } from '#orders/operation/operation.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { timeLimit } from '#orders/time-limit.js';
import { pendingReason, type GroupPositions, type PositionOf, type RecordPosition } from './record-positions.js';
import type { Findings, MissingRecord } from './report.js';
import type { SentOrder } from './compare-block.js';
import { readStored } from './stored-content.js';

/** An acknowledged record that is neither stored under its number nor dead-lettered. */
export interface Unaccounted {
  readonly index: number;
  readonly order: SentOrder;
  /** The fault of an extra record, or of the record that replaced the order. */
  readonly fault: Fault | undefined;
}

interface MissingRecordsContext {
  readonly db: Db;
  readonly operation: OperationDocument;
  readonly positions: GroupPositions;
  readonly findings: Findings;
  /** Finds orders that were saved before under another number, and archived with it. */
  readonly archivedIds: Pick<ArchivedIds, 'find'>;
}

type Positioned = Unaccounted & { readonly position: RecordPosition };

/** Finds out what happened to records that are neither stored nor dead-lettered. */
export class MissingRecords {
  /** The first records that are lost; whether they were ever saved is checked in the oplog at the end. */
  readonly lost: MissingRecord[] = [];

  constructor(private readonly context: MissingRecordsContext) {}

  /** Adds lost records of other orders. */
  addLost(records: readonly MissingRecord[]): void {
    for (const record of records) {
      if (this.lost.length < LOOKED_FOR) this.lost.push(record);
      else this.context.findings.addMissing(withoutOplog(record, this.context.operation));
    }
  }

  /** @param positionOf knows the positions of all records */
  async explain(records: readonly Unaccounted[], positionOf: PositionOf): Promise<void> {
    const finished: Positioned[] = [];
    for (const record of records) {
      const position = positionOf(record.index, record.fault);
      if (position === undefined) {
        this.add(record, { partition: null, offset: null }, 'never-acknowledged');
        continue;
      }
      const blame = pendingReason(position, this.context.positions);
      if (blame === undefined) finished.push({ ...record, position });
      else this.add(record, position, blame);
    }
    if (finished.length > 0) await this.findById(finished);
  }

  /**
   * Searches for the orders by id, under any number. An order that is stored as sent was saved after its block was read. That its
   * offset was committed before is not reported as a defect: a stale majority read after a fail-over looks the same.
   */
  private async findById(records: readonly Positioned[]): Promise<void> {
    const { db, findings, archivedIds } = this.context;
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
        this.addLost([missingRecord(record, record.position, 'committed-past')]);
      else if (order.isStoredAs(found)) findings.counts.saved += 1;
      else if (order.isRepeatOf(found)) findings.counts.skipped += 1;
      else findings.addAltered({ index, id: order.id, fields: order.differences(found) });
    }
  }

  private add(
    record: Unaccounted,
    position: { readonly partition: number | null; readonly offset: number | null },
    blame: MissingRecord['blame'],
  ): void {
    this.context.findings.addMissing(missingRecord(record, position, blame));
  }
}

function missingRecord(
  { index, order, fault }: Unaccounted,
  { partition, offset }: { readonly partition: number | null; readonly offset: number | null },
  blame: MissingRecord['blame'],
): MissingRecord {
  return { index, number: order.number, id: order.id, fault: fault ?? null, partition, offset, blame };
}

/** Maximum number of missing orders to search for in the oplog, which is read completely for them. */
const LOOKED_FOR = 1_000;
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
