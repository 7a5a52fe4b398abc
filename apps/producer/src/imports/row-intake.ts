import { Injectable } from '@nestjs/common';
import { MongoBulkWriteError, UUID } from 'mongodb';
import { importRow, importRowsCollection, unnumberedOrder, type ImportRow } from '#orders/import-rows.js';
import type { LegacyOrder } from '#orders/legacy-order.js';
import { operationsCollection, type OperationDocument } from '#orders/operation.js';
import { fromDocument, sameImportedOrder } from '#orders/order-document.js';
import type { Order } from '#orders/order.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { ackedRanges } from '#orders/segments.js';
import { Mongo } from '#service/mongo.js';

/** An order that an import brings, and the row that it stood in. */
export interface Candidate {
  readonly order: LegacyOrder;
  readonly source: ImportRow['source'];
}

/**
 * What becomes of it: `accepted` it gets the import's next index; `skipped` it is there already with the same content;
 * `conflicting` it is there with other content, and nothing is overwritten.
 */
export type Outcome = 'accepted' | 'skipped' | 'conflicting';

/** Where an import is: its id, the claim of it, and the index of the next order that it accepts. */
export interface IntakePlace {
  readonly operationId: string;
  readonly epoch: number;
  readonly nextIndex: number;
}

const DUPLICATE_KEY = 11000;
/** Other imports that bring the same orders at the same moment can spoil a try each. */
const MAX_TRIES = 10;

/** Decides which orders of a batch an import brings, and keeps those, durably and by index, for the emission. */
@Injectable()
export class RowIntake {
  constructor(private readonly mongo: Mongo) {}

  /** Forgets what a batch that broke off has left: every row from the next index on, but for those of a later claim. */
  async forget({ operationId, epoch, nextIndex }: IntakePlace): Promise<void> {
    await this.rows.deleteMany({ operationId, index: { $gte: nextIndex }, epoch: { $lte: epoch } });
  }

  /**
   * Takes a batch. The same batch again, once what it left is forgotten, comes to the same unless other imports went on meanwhile.
   * @returns what became of each, in their order
   */
  async take(batch: readonly Candidate[], place: IntakePlace): Promise<Outcome[]> {
    for (let turn = 1; ; turn += 1) {
      const { outcomes, rows } = decide(batch, await this.there(batch, place), place);
      if (rows.length === 0) return outcomes;
      try {
        await this.rows.insertMany(rows, { ordered: false });
        return outcomes;
      } catch (error) {
        if (!isDuplicate(error) || turn === MAX_TRIES) throw error;
        // Another import was faster with one of them, or an earlier holder of this one still writes: all of it anew.
        await this.forget(place);
      }
    }
  }

  /** What of a batch is there already, by id: saved, or brought by an import that has emitted it or will. */
  private async there(batch: readonly Candidate[], place: IntakePlace): Promise<Map<string, Order>> {
    const ids = batch.map(({ order }) => new UUID(order.id));
    const [orders, rows] = await Promise.all([
      ordersCollection(this.mongo.db)
        .find({ _id: { $in: ids } })
        .toArray(),
      this.rows.find({ _id: { $in: ids } }).toArray(),
    ]);
    const living = await this.withoutDead(await this.withoutLeft(rows, place));
    const there = new Map(living.map((row) => [row._id.toHexString(), unnumberedOrder(row)]));
    for (const order of orders) there.set(order._id.toHexString(), fromDocument(order));
    return there;
  }

  /** Removes rows that an earlier holder has brought in only now: where they stand, this batch will. */
  private async withoutLeft(rows: readonly ImportRow[], place: IntakePlace): Promise<readonly ImportRow[]> {
    const isLeft = ({ operationId, index, epoch }: ImportRow): boolean =>
      operationId === place.operationId && index >= place.nextIndex && epoch <= place.epoch;
    if (!rows.some(isLeft)) return rows;
    await this.forget(place);
    return rows.filter((row) => !isLeft(row));
  }

  /** Removes the rows of imports that were ended before they came to them. */
  private async withoutDead(rows: readonly ImportRow[]): Promise<readonly ImportRow[]> {
    if (rows.length === 0) return rows;
    const ids = [...new Set(rows.map(({ operationId }) => operationId))];
    const found = await operationsCollection(this.mongo.db)
      .find({ _id: { $in: ids } })
      .toArray();
    const operations = new Map(found.map((operation) => [operation._id, operation]));
    const dead = new Set(rows.filter((row) => !willBeEmitted(row, operations.get(row.operationId))));
    if (dead.size === 0) return rows;
    const from = new Set([...dead].map(({ operationId }) => operationId));
    // By their operations too: another import may have them by now.
    await this.rows.deleteMany({ _id: { $in: [...dead].map(({ _id }) => _id) }, operationId: { $in: [...from] } });
    return rows.filter((row) => !dead.has(row));
  }

  private get rows() {
    return importRowsCollection(this.mongo.db);
  }
}

function decide(
  batch: readonly Candidate[],
  there: Map<string, Order>,
  { operationId, epoch, nextIndex }: IntakePlace,
): { readonly outcomes: Outcome[]; readonly rows: ImportRow[] } {
  const rows: ImportRow[] = [];
  const outcomes = batch.map(({ order, source }): Outcome => {
    const known = there.get(order.id);
    if (known !== undefined) return sameImportedOrder(known, order) ? 'skipped' : 'conflicting';
    there.set(order.id, { ...order, number: 0 });
    rows.push(importRow(order, { operationId, epoch, index: nextIndex + rows.length, source }));
    return 'accepted';
  });
  return { outcomes, rows };
}

/** Whether an import has emitted a row, or still may. */
function willBeEmitted({ index }: ImportRow, operation: OperationDocument | undefined): boolean {
  if (operation?.kind !== 'import') return false;
  // Left behind the end by an earlier holder.
  if (operation.reading === null && index >= operation.count) return false;
  if (operation.status !== 'cancelled' && operation.status !== 'failed') return true;
  return ackedRanges(operation.segments).some(({ from, to }) => index >= from && index < to);
}

function isDuplicate(error: unknown): boolean {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined) return false;
  const failures = [error.writeErrors].flat();
  return failures.length > 0 && failures.every(({ code }) => code === DUPLICATE_KEY);
}
