import type { Positions } from '#orders/topics/topics.js';
import { BlockDigest, numberOf } from '#reconcile/stored-content.js';
import type { SavedPositions } from './archive-store.js';

/** Thrown to stop reading a piece that can't be archived now. */
export class UnfitPieceError extends Error {
  override readonly name = 'UnfitPieceError';
  readonly code = 'unfit-piece';

  constructor(
    message: string,
    /** Whether an order was not saved before the date: no reason for a complaint. */
    readonly isTooNew: boolean,
  ) {
    super(message);
  }
}

/** Collects when the orders of a piece were saved, from which records, and their digest. */
export class Inspection {
  private from = Infinity;
  private to = -Infinity;
  private readonly offsets = new Map<number, number>();
  private readonly block = new BlockDigest();

  /** @param before all orders must have been saved before this time */
  constructor(private readonly before: Date) {}

  /** @throws UnfitPieceError if an order is too new, or was not saved by a consumer */
  add(documents: readonly Buffer[]): void {
    for (const document of documents) {
      const saved = this.block.add(document);
      if (saved === undefined)
        throw new UnfitPieceError(
          `the order with number ${numberOf(document) ?? 'unknown'} was not saved by a consumer, or was changed: run npm run reconcile`,
          false,
        );
      const { savedAt, partition, offset } = saved;
      if (savedAt >= this.before.getTime()) throw new UnfitPieceError(`saved at ${toIso(savedAt)}`, true);
      this.from = Math.min(this.from, savedAt);
      this.to = Math.max(this.to, savedAt);
      if (offset > (this.offsets.get(partition) ?? -1)) this.offsets.set(partition, offset);
    }
  }

  /** Returns the digest of all orders, as that of a settled block. No order can be added afterwards. */
  digest(): Buffer {
    return this.block.end();
  }

  /** When the orders were saved: the first and the last time. Without orders both are 1970. */
  get savedAt(): { readonly from: string; readonly to: string } {
    return { from: toIso(this.from), to: toIso(this.to) };
  }

  /**
   * Returns a partition whose records the group has not committed: the consumers may read them once more. Offsets beyond the end are
   * those of an earlier topic, which is gone.
   */
  uncommitted({ committed, ends }: SavedPositions): number | undefined {
    for (const [partition, offset] of this.offsets)
      if (offset < at(ends, partition) && offset >= at(committed, partition)) return partition;
    return undefined;
  }
}

function toIso(time: number): string {
  return new Date(Number.isFinite(time) ? time : 0).toISOString();
}

function at(positions: Positions, partition: number): number {
  return positions.get(partition) ?? 0;
}
