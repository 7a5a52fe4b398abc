import { Injectable } from '@nestjs/common';
import { UUID } from 'mongodb';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { importRow, type ImportRow, importRowsCollection, unnumberedOrder } from '#orders/imports/import-rows.js';
import { type OperationDocument, operationsCollection, ackedRanges } from '#orders/operation/operation.js';
import { fromDocument, isRepeatedOrder, ordersCollection } from '#orders/order/order-document.js';
import type { LegacyOrder, Order } from '#orders/order/order.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { hasOnlyDuplicates } from '#service/mongodb/mongo-errors.js';

/** An order read from an import, and its row. */
export interface Candidate {
  readonly order: LegacyOrder;
  readonly source: ImportRow['source'];
}

/**
 * The outcome of a candidate. `accepted`: it gets the import's next index. `skipped`: it already exists with the same content.
 * `conflicting`: it already exists with other content, and nothing is overwritten. `archived`: it already exists in an archive, so that
 * its content is unknown here.
 */
export type RowOutcome = 'accepted' | 'skipped' | 'conflicting' | 'archived';

/** The state of an import: its id, the epoch of its claim, and the index of the next accepted order. */
interface ImportState {
  readonly operationId: string;
  readonly epoch: number;
  readonly nextIndex: number;
}

/** Each concurrent import of the same orders can make one try fail. */
const MAX_TRIES = 10;

/** Decides which orders of a batch an import accepts, and stores those durably, by index, to be published. */
@Injectable()
export class RowAcceptance {
  constructor(
    private readonly mongo: Mongo,
    private readonly archived: ArchivedIds,
  ) {}

  /** Deletes the rows of an unfinished batch: every row from the next index on, except those of a later claim. */
  async forget({ operationId, epoch, nextIndex }: ImportState): Promise<void> {
    await this.rows.deleteMany({ operationId, index: { $gte: nextIndex }, epoch: { $lte: epoch } });
  }

  /**
   * Decides and stores a batch. After `forget`, the same batch has the same outcomes, unless other imports have made progress.
   * @returns the outcome of each candidate, in order
   */
  async take(batch: readonly Candidate[], place: ImportState): Promise<RowOutcome[]> {
    for (let turn = 1; ; turn += 1) {
      const existing = await this.findExisting(batch, place);
      const unknown = batch.map(({ order }) => order.id).filter((id) => !existing.has(id));
      const { outcomes, rows } = decide(batch, { existing, archived: await this.archived.find(unknown) }, place);
      if (rows.length === 0) return outcomes;
      try {
        await this.rows.insertMany(rows, { ordered: false });
        return outcomes;
      } catch (error) {
        if (!hasOnlyDuplicates(error) || turn === MAX_TRIES) throw error;
        // Another import stored one of the orders first, or an earlier lease holder still writes: repeat the whole batch.
        await this.forget(place);
      }
    }
  }

  /** Returns the orders of a batch that already exist, by id: saved orders, and orders that an import has published or will publish. */
  private async findExisting(batch: readonly Candidate[], place: ImportState): Promise<Map<string, Order>> {
    const ids = batch.map(({ order }) => new UUID(order.id));
    const [orders, rows] = await Promise.all([
      ordersCollection(this.mongo.db)
        .find({ _id: { $in: ids } })
        .toArray(),
      this.rows.find({ _id: { $in: ids } }).toArray(),
    ]);
    const living = await this.removeDead(await this.removeStale(rows, place));
    const existing = new Map(living.map((row) => [row._id.toHexString(), unnumberedOrder(row)]));
    for (const order of orders) existing.set(order._id.toHexString(), fromDocument(order));
    return existing;
  }

  /** Removes rows that an earlier lease holder stored late: this batch needs their indexes. */
  private async removeStale(rows: readonly ImportRow[], place: ImportState): Promise<readonly ImportRow[]> {
    const isStale = ({ operationId, index, epoch }: ImportRow): boolean =>
      operationId === place.operationId && index >= place.nextIndex && epoch <= place.epoch;
    if (!rows.some(isStale)) return rows;
    await this.forget(place);
    return rows.filter((row) => !isStale(row));
  }

  /** Removes the rows of imports that ended before publishing them. */
  private async removeDead(rows: readonly ImportRow[]): Promise<readonly ImportRow[]> {
    if (rows.length === 0) return rows;
    const ids = [...new Set(rows.map(({ operationId }) => operationId))];
    const found = await operationsCollection(this.mongo.db)
      .find({ _id: { $in: ids } })
      .toArray();
    const operations = new Map(found.map((operation) => [operation._id, operation]));
    const dead = new Set(rows.filter((row) => !willBePublished(row, operations.get(row.operationId))));
    if (dead.size === 0) return rows;
    const from = new Set([...dead].map(({ operationId }) => operationId));
    // Also filters by operation: another import may have stored the same orders meanwhile.
    await this.rows.deleteMany({ _id: { $in: [...dead].map(({ _id }) => _id) }, operationId: { $in: [...from] } });
    return rows.filter((row) => !dead.has(row));
  }

  private get rows() {
    return importRowsCollection(this.mongo.db);
  }
}

function decide(
  batch: readonly Candidate[],
  { existing, archived }: { existing: Map<string, Order>; archived: ReadonlyMap<string, unknown> },
  { operationId, epoch, nextIndex }: ImportState,
): { readonly outcomes: RowOutcome[]; readonly rows: ImportRow[] } {
  const rows: ImportRow[] = [];
  const outcomes = batch.map(({ order, source }): RowOutcome => {
    const known = existing.get(order.id);
    if (known !== undefined) return isRepeatedOrder(known, order) ? 'skipped' : 'conflicting';
    if (archived.has(order.id)) return 'archived';
    existing.set(order.id, { ...order, number: 0 });
    rows.push(importRow(order, { operationId, epoch, index: nextIndex + rows.length, source }));
    return 'accepted';
  });
  return { outcomes, rows };
}

/** Whether an import has published a row or can still publish it. */
function willBePublished({ index }: ImportRow, operation: OperationDocument | undefined): boolean {
  if (operation?.kind !== 'import') return false;
  // Stored beyond the end by an earlier lease holder.
  if (operation.reading === null && index >= operation.count) return false;
  if (operation.status !== 'cancelled' && operation.status !== 'failed') return true;
  return ackedRanges(operation.segments).some(({ from, to }) => index >= from && index < to);
}
