import { epochsWithin, type EpochStart } from '../records/batch-extent.js';

/**
 * Stores the leader epochs of a partition's uncommitted records: those that were read, and those that a previous owner completed.
 * Epochs change rarely, so the list stays short.
 */
export class EpochHistory {
  private starts: EpochStart[] = [];

  /**
   * Starts at an offset.
   * @param epoch leader epoch of the record before the offset; undefined when unknown
   * @param completed epochs of the records from the offset on, as a previous owner read them
   */
  begin(offset: number, epoch: number | undefined, completed: readonly EpochStart[] = []): void {
    this.starts = [...(epoch === undefined ? [] : [{ epoch, offset: offset - 1 }]), ...completed];
  }

  /**
   * Adds the epochs of the next records. They replace those of the previous owner, from the first offset on where both differ.
   *
   * A leader assigns an offset once in its epoch (KIP-101). So a record with another epoch is another record. An unknown epoch (-1)
   * proves nothing and counts as different. An earlier epoch differs too: an unclean election can bring back a replica with
   * records of an earlier epoch that were never read.
   * @param end one past the last offset that was read
   * @returns the first offset that differs; undefined if there is none
   */
  add(read: readonly EpochStart[], end: number): number | undefined {
    const [first] = read;
    if (first === undefined) return undefined;
    const inside = this.starts.filter(({ offset }) => offset > first.offset && offset < end);
    const differing = [...read, ...inside].flatMap(({ offset }) => {
      const epoch = epochAt(read, offset) ?? -1;
      return epoch >= 0 && epoch === this.at(offset) ? [] : [offset];
    });
    if (differing.length === 0) return undefined;
    const from = Math.min(...differing);
    this.starts = this.starts.filter(({ offset }) => offset < from);
    for (const start of read)
      if (start.offset >= from && this.starts.at(-1)?.epoch !== start.epoch) this.starts.push(start);
    return from;
  }

  /** Returns the leader epoch of the record at an offset. @returns undefined when unknown */
  at(offset: number): number | undefined {
    return epochAt(this.starts, offset);
  }

  /** Returns the epochs of the records from an offset on. */
  from(offset: number): EpochStart[] {
    return epochsWithin(this.starts, offset, Number.POSITIVE_INFINITY);
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

function epochAt(starts: readonly EpochStart[], offset: number): number | undefined {
  return starts.findLast((start) => start.offset <= offset)?.epoch;
}
