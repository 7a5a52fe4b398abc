import type { Collection, Db } from 'mongodb';
import type { OrdersDocument } from '../operation/operation.js';

/** Order numbers that follow each other; both ends are included. */
export interface NumberRun {
  readonly first: number;
  readonly last: number;
}

/**
 * Where the orders of a range are.
 * - `removing`: in a verified file, and some are still in `orders`
 * - `archived`: in a file only
 * - `returning`: in a file, and some are in `orders` again
 */
export type ArchivedState = 'removing' | 'archived' | 'returning';

/**
 * A range of order numbers whose orders are in a file instead of in `orders`. The collection is the only list of removed ranges: the
 * consumer, the query API, redrives, imports and reconcile read it.
 */
export interface ArchivedRange {
  /** The first number. */
  readonly _id: number;
  readonly last: number;
  /** The numbers of the range, in the order of their indexes. Absent: all from the first to the last. The numbers of an intake have gaps. */
  readonly runs?: readonly NumberRun[];
  readonly operationId: string;
  readonly kind: OrdersDocument['kind'];
  /** The lowest index in its operation. */
  readonly from: number;
  /** Orders in the file. `count + discarded + elsewhere` is the number of its order numbers. */
  readonly count: number;
  /** Numbers without an order, because their dead letters were discarded. */
  readonly discarded: number;
  /** Numbers whose order was saved before, under another number. */
  readonly elsewhere: number;
  /** When the orders were saved: the first and the last time. */
  readonly savedAt: { readonly from: Date; readonly to: Date };
  /** The name of the archive: of its file without the ending, and of its manifest. */
  readonly archive: string;
  /** The hash of the orders' BSON in the order of the runs, in hexadecimal. */
  readonly sha256: string;
  readonly state: ArchivedState;
  /**
   * The offsets of `orders-savers` by partition, committed before the range was listed. A record of an archived order below them was
   * processed before: it is a replay. A partition that was added later has none.
   */
  readonly positions: readonly number[];
  /** When the range was listed, by MongoDB's clock. */
  readonly at: Date;
  /** When its state changed last, by MongoDB's clock. */
  readonly changedAt: Date;
}

export function archivedRangesCollection(db: Db): Collection<ArchivedRange> {
  return db.collection<ArchivedRange>('archivedRanges');
}

/** Returns the numbers of a range, in the order of their indexes. */
export function runsOf({
  _id: first,
  last,
  runs,
}: Pick<ArchivedRange, '_id' | 'last'> & { readonly runs?: readonly NumberRun[] | undefined }): readonly NumberRun[] {
  return runs ?? [{ first, last }];
}

/** Returns how many numbers runs have. */
export function numbersIn(runs: readonly NumberRun[]): number {
  return runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** Whether a record of an archived order was processed before its range was listed. */
export function isReplay({ positions }: Pick<ArchivedRange, 'positions'>, partition: number, offset: number): boolean {
  return offset < (positions[partition] ?? 0);
}
