import type { EpochStart } from '../records/batch-extent.js';

/** Stores the leader epochs of a partition's uncommitted records. Epochs change rarely, so the list stays short. */
export class EpochHistory {
  private starts: EpochStart[] = [];

  /** Starts at an offset. @param epoch leader epoch of the record before the offset; undefined when unknown */
  begin(offset: number, epoch: number | undefined): void {
    this.starts = epoch === undefined ? [] : [{ epoch, offset: offset - 1 }];
  }

  /** Adds the epochs of the next records. */
  add(starts: readonly EpochStart[]): void {
    for (const start of starts) if (this.starts.at(-1)?.epoch !== start.epoch) this.starts.push(start);
  }

  /** Returns the leader epoch of the record at an offset. @returns undefined when unknown */
  at(offset: number): number | undefined {
    return this.starts.findLast((start) => start.offset <= offset)?.epoch;
  }

  /** Returns the offset of the first record with a later epoch; Infinity when there is none or `epoch` is undefined. */
  startAbove(epoch: number | undefined): number {
    if (epoch === undefined) return Number.POSITIVE_INFINITY;
    return this.starts.find((start) => start.epoch > epoch)?.offset ?? Number.POSITIVE_INFINITY;
  }

  /** Drops epochs that ended before the offset. */
  forgetBefore(offset: number): void {
    while (this.starts[1] !== undefined && this.starts[1].offset <= offset) this.starts.shift();
  }
}
