import type { Db } from 'mongodb';
import { intakeBatchesCollection } from '#orders/numbering/intake-batches.js';
import { unrecordedBlocks } from '#orders/numbering/number-blocks.js';

/** Consecutive order numbers, both ends included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** The order numbers whose use the backup knows: those of its operations, and of the batches that are stored. */
export class KnownNumbers {
  /** @param highest the counter of the backup @param open numbers below it that were reserved, without a batch yet */
  constructor(
    readonly highest: number,
    private readonly open: readonly NumberRange[],
  ) {}

  /** Reads them from a database that is loaded. @param highest the counter of the backup, which an earlier run may have raised */
  static async read(db: Db, highest: number): Promise<KnownNumbers> {
    const open: NumberRange[] = [];
    for (const { first, count } of await unrecordedBlocks(db)) {
      const last = first + count - 1;
      const batches = await intakeBatchesCollection(db)
        .find({ _id: { $gte: first, $lte: last } })
        .project<{ _id: number; count: number }>({ count: 1 })
        .sort({ _id: 1 })
        .toArray();
      let from = first;
      for (const batch of batches) {
        if (batch._id > from) open.push({ from, to: batch._id - 1 });
        from = batch._id + batch.count;
      }
      if (from <= last) open.push({ from, to: last });
    }
    return new KnownNumbers(highest, open);
  }

  has(number: number): boolean {
    return number <= this.highest && !this.open.some(({ from, to }) => number >= from && number <= to);
  }
}
