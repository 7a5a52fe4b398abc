import type { EpochStart } from '../records/batch-extent.js';

/** Under which leader epoch the records of a partition were written that are not committed yet. Epochs change rarely. */
export class EpochHistory {
  private starts: EpochStart[] = [];

  /** @param epoch that of the record before the offset */
  begin(offset: number, epoch: number | undefined): void {
    this.starts = epoch === undefined ? [] : [{ epoch, offset: offset - 1 }];
  }

  /** Notes the epochs of the next records. */
  add(starts: readonly EpochStart[]): void {
    for (const start of starts) if (this.starts.at(-1)?.epoch !== start.epoch) this.starts.push(start);
  }

  /** @returns undefined when it isn't known */
  at(offset: number): number | undefined {
    return this.starts.findLast((start) => start.offset <= offset)?.epoch;
  }

  /** The offset of the first record that was written under a later epoch; Infinity when none was, or the epoch is unknown. */
  startAbove(epoch: number | undefined): number {
    if (epoch === undefined) return Number.POSITIVE_INFINITY;
    return this.starts.find((start) => start.epoch > epoch)?.offset ?? Number.POSITIVE_INFINITY;
  }

  /** Forgets epochs that ended before the offset. */
  forgetBefore(offset: number): void {
    while (this.starts[1] !== undefined && this.starts[1].offset <= offset) this.starts.shift();
  }
}
