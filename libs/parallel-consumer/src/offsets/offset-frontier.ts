import { Fifo } from '../window/fifo.js';

/**
 * What of one partition may be committed, when records finish in any order.
 *
 * Invariant: `committable` never passes a record that was received and isn't complete. Only offsets really received are
 * tracked, so gaps (compaction, transaction markers, aborted records) need no case of their own.
 * Rejected: a bit per offset from the base on, which needs every gap to be told and filled.
 */
export class OffsetFrontier {
  /** Received in ascending order and not yet passed by the frontier. */
  private readonly open = new Fifo<number>();
  private readonly completedAhead = new Set<number>();
  private nextOffset = 0;

  /** One past the highest offset received or skipped: whatever is below it needs no second fetch. */
  get next(): number {
    return this.nextOffset;
  }

  /** The offset to commit: that of the oldest unfinished record, or `next` when all are complete. */
  get committable(): number {
    return this.open.peek() ?? this.nextOffset;
  }

  /** Received records that the frontier has not passed. */
  get span(): number {
    return this.open.size;
  }

  /** Notes that a record arrived. Offsets must ascend; one below `next` is a defect of the caller. */
  received(offset: number): void {
    if (offset < this.nextOffset)
      throw new RangeError(`offset ${offset} was received before (next is ${this.nextOffset})`);
    this.open.push(offset);
    this.nextOffset = offset + 1;
  }

  /** Notes that nothing below this offset will arrive any more. */
  skipTo(offset: number): void {
    if (offset > this.nextOffset) this.nextOffset = offset;
  }

  /** Notes that a record is durable or dead-lettered: never call it earlier. */
  complete(offset: number): void {
    this.completedAhead.add(offset);
    let oldest = this.open.peek();
    while (oldest !== undefined && this.completedAhead.delete(oldest)) {
      this.open.shift();
      oldest = this.open.peek();
    }
  }
}
