import { IntrusiveList, type ListNode } from '../intrusive-list.js';

/** What stands for a record in the tracker. */
export interface TrackedRecord<T> extends ListNode<T> {
  readonly offset: number;
}

/** A run of offsets, from inclusive to exclusive. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

/**
 * What of one partition may be committed, when records finish in any order.
 *
 * Invariant: `committable` never passes a record that was received and isn't complete. Only the unfinished are kept, in the
 * order of their offsets, so it costs nothing how far the finished ones are ahead of a stalled one, and gaps (compaction,
 * transaction markers, aborted records) need no case of their own.
 * Rejected: a bit per offset from the base on, which grows with the span and needs every gap to be told and filled.
 */
export class OffsetTracker<T extends TrackedRecord<T>> {
  /** In the order of their offsets. */
  private readonly unfinished = new IntrusiveList<T>();
  /** Finished before the partition was ours and not reached yet, ascending. */
  private finishedBefore: OffsetRange[] = [];
  private nextOffset = 0;
  private completions = 0;

  /** One past the highest offset received or skipped: whatever is below it needs no second fetch. */
  get next(): number {
    return this.nextOffset;
  }

  /** The offset to commit: that of the oldest unfinished record, or `next` when all are complete. */
  get committable(): number {
    return this.unfinished.oldest?.offset ?? this.nextOffset;
  }

  /** The oldest unfinished record, which holds the commit back. */
  get oldest(): T | undefined {
    return this.unfinished.oldest;
  }

  /** The unfinished records from an offset on, the newest first. */
  *unfinishedFrom(offset: number): Generator<T> {
    for (let entry = this.unfinished.newest; entry !== undefined && entry.offset >= offset; entry = entry.older)
      yield entry;
  }

  /** Offsets from the oldest unfinished one to `next`. */
  get span(): number {
    return this.nextOffset - this.committable;
  }

  /** Rises whenever something finishes: tells whether a commit would say anything new. */
  get changes(): number {
    return this.completions;
  }

  /** Sets the first offset, and what beyond it is finished already. */
  begin(offset: number, finished: readonly OffsetRange[] = []): void {
    this.nextOffset = offset;
    this.finishedBefore = [...finished];
  }

  /** Whether a record at or beyond `next` was finished before the partition was ours. Ask in ascending order only. */
  wasFinishedBefore(offset: number): boolean {
    let range = this.finishedBefore[0];
    while (range !== undefined && range.to <= offset) {
      this.finishedBefore.shift();
      range = this.finishedBefore[0];
    }
    return range !== undefined && range.from <= offset;
  }

  /** Notes that a record arrived. Offsets must ascend; one below `next` is a defect of the caller. */
  received(entry: T): void {
    if (entry.offset < this.nextOffset)
      throw new RangeError(`offset ${entry.offset} was received before (next is ${this.nextOffset})`);
    this.unfinished.add(entry);
    this.nextOffset = entry.offset + 1;
  }

  /** Notes that nothing below this offset will arrive any more. */
  skipTo(offset: number): void {
    if (offset > this.nextOffset) this.nextOffset = offset;
  }

  /** Notes that a record is durable or dead-lettered: never call it earlier. */
  complete(entry: T): void {
    this.completions += 1;
    this.unfinished.remove(entry);
  }

  /** What is finished beyond the committable offset, ascending. */
  *finishedBeyond(): Generator<OffsetRange> {
    let from: number | undefined;
    for (const { offset } of this.unfinished) {
      if (from !== undefined && offset > from) yield { from, to: offset };
      from = offset + 1;
    }
    if (from !== undefined && this.nextOffset > from) yield { from, to: this.nextOffset };
    for (const range of this.finishedBefore)
      if (range.to > this.nextOffset) yield { from: Math.max(range.from, this.nextOffset), to: range.to };
  }
}
