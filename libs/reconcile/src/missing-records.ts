import type { Db } from 'mongodb';
import { UUID } from 'mongodb';
import type { ArchivedIds } from '#orders/archive/archived-ids.js';
import type { Fault } from '#orders/operation/fault-mix.js';
import type { OperationDocument } from '#orders/operation/operation.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { pendingReason, type GroupPositions } from './missing-reason.js';
import type { Findings } from './findings.js';
import type { PositionOf, RecordPosition } from './record-position.js';
import type { MissingRecord } from './report.js';
import { LOOKED_FOR, withoutOplog } from './saved-once.js';
import type { SentOrder } from './sent-order.js';
import { readStored } from './stored-content.js';

/** An acknowledged record that is neither stored under its number nor dead-lettered. */
export interface Unaccounted {
  readonly index: number;
  readonly order: SentOrder;
  /** The fault of an extra record, or of the record that replaced the order. */
  readonly fault: Fault | undefined;
}

export interface MissingRecordsContext {
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
