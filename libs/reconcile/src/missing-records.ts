import type { Db } from 'mongodb';
import { UUID } from 'mongodb';
import { chunksCollection, type AcknowledgedChunk } from '#orders/operation/acknowledged-chunks.js';
import type { Fault, IndexFaults } from '#orders/operation/fault-mix.js';
import type { OperationDocument } from '#orders/operation/operation.js';
import { fromDocument, isSameImportedOrder } from '#orders/order/order-document.js';
import type { OrderSource } from '#orders/operation/order-source.js';
import type { Order } from '#orders/order/order.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { plannedRecords } from '#orders/operation/planned-records.js';
import type { IndexRange } from '#orders/operation/segments.js';
import { pendingReason, type GroupPositions } from './missing-reason.js';
import { differences } from './compare-block.js';
import type { Findings } from './findings.js';
import { recordPositions, type RecordPosition } from './record-position.js';
import type { MissingRecord } from './report.js';
import { LOOKED_FOR, withoutOplog } from './saved-once.js';
import { contentOf, hasContent, readStored } from './stored-content.js';

/** The largest possible chunk: a chunk that overlaps a range starts at most this far before it. */
const LARGEST_CHUNK = 5_000;

/** An acknowledged record that is neither stored under its number nor dead-lettered. */
export interface Unaccounted {
  readonly index: number;
  readonly order: Order;
  /** The fault of an extra record, or of the record that replaced the order. */
  readonly fault: Fault | undefined;
}

export interface MissingRecordsContext {
  readonly db: Db;
  readonly operation: OperationDocument;
  readonly source: OrderSource;
  readonly faultsAt: (index: number) => IndexFaults;
  readonly partitionOf: (accountId: string) => number;
  readonly positions: GroupPositions;
  readonly findings: Findings;
}

type Positioned = Unaccounted & { readonly position: RecordPosition };

/** Finds out what happened to records that are neither stored nor dead-lettered. */
export class MissingRecords {
  /** The first records that are lost; whether they were ever saved is checked in the oplog at the end. */
  readonly lost: MissingRecord[] = [];

  constructor(private readonly context: MissingRecordsContext) {}

  /** @param range contains the indexes of all records */
  async explain(records: readonly Unaccounted[], range: IndexRange): Promise<void> {
    const positionOf = await this.positionsIn(range);
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
    const { db, findings, operation } = this.context;
    const ids = records.map(({ order }) => new UUID(order.id));
    const stored = await ordersCollection(db)
      .find({ _id: { $in: ids } }, { readConcern: { level: 'majority' }, raw: true })
      .toArray();
    // With `raw` the driver returns bytes, despite the collection's type.
    const byId = new Map((stored as unknown as Buffer[]).map((bytes) => [String(readStored(bytes)._id), bytes]));
    for (const record of records) {
      const { order, index, fault } = record;
      const found = byId.get(order.id);
      if (found === undefined || fault !== undefined) this.addLost(record);
      else if (hasContent(found, contentOf(order))) findings.counts.saved += 1;
      else if (operation.kind === 'import' && isSameImportedOrder(fromDocument(readStored(found)), order))
        findings.counts.skipped += 1;
      else findings.addAltered({ index, id: order.id, fields: differences(readStored(found), order) });
    }
  }

  private addLost(record: Positioned): void {
    const lost = missingRecord(record, record.position, 'committed-past');
    if (this.lost.length < LOOKED_FOR) this.lost.push(lost);
    else this.context.findings.addMissing(withoutOplog(lost, this.context.operation));
  }

  private add(
    record: Unaccounted,
    position: { readonly partition: number | null; readonly offset: number | null },
    blame: MissingRecord['blame'],
  ): void {
    this.context.findings.addMissing(missingRecord(record, position, blame));
  }

  private async positionsIn({
    from,
    to,
  }: IndexRange): Promise<(index: number, fault: Fault | undefined) => RecordPosition | undefined> {
    const { db, operation, source, faultsAt, partitionOf } = this.context;
    const operationId = operation._id;
    const chunks = await chunksCollection(db)
      .find({
        _id: { $gte: { operationId, from: Math.max(0, from - LARGEST_CHUNK) }, $lt: { operationId, from: to } },
      })
      .toArray();
    const lookUps = new Map<AcknowledgedChunk, ReturnType<typeof recordPositions>>();
    for (const chunk of chunks) {
      const range = { from: chunk._id.from, to: chunk.to };
      if (range.to <= from) continue;
      const records = plannedRecords(await source(range), range.from, faultsAt);
      lookUps.set(chunk, recordPositions(chunk, records, partitionOf));
    }
    return (index, fault) => {
      const chunk = chunks.find((each) => each._id.from <= index && index < each.to);
      return chunk === undefined ? undefined : lookUps.get(chunk)?.(index, fault);
    };
  }
}

function missingRecord(
  { index, order, fault }: Unaccounted,
  { partition, offset }: { readonly partition: number | null; readonly offset: number | null },
  blame: MissingRecord['blame'],
): MissingRecord {
  return { index, number: order.number, id: order.id, fault: fault ?? null, partition, offset, blame };
}
