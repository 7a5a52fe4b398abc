import type { FetchedBatch } from './broker.js';
import { epochsWithin } from '../records/batch-extent.js';
import type { ConsumedRecord } from '../records/record.js';

/** What comes next in a fetch. */
type Next = { readonly record: ConsumedRecord } | { readonly end: 'reached' } | { readonly error: unknown };

/** A fetch that is handed out in parts, each as soon as its records are due. */
export class DelayedBatch {
  /** The offset at which the next part begins. */
  nextOffset: number;
  private next: Next;

  /** @param fetchedAt a record is due after its delay at the latest, also if the clock that stamped it is ahead. Ms since 1970 */
  constructor(
    private readonly batch: FetchedBatch,
    private readonly fetchedAt: number,
    private readonly delayMs: number,
  ) {
    this.nextOffset = batch.fetchOffset;
    this.next = this.step();
  }

  /** When the next record is due, in ms since 1970; at once if no readable one is left. */
  get dueAt(): number {
    if (!('record' in this.next)) return Number.NEGATIVE_INFINITY;
    return Math.min(this.next.record.timestamp, this.fetchedAt) + this.delayMs;
  }

  /** Whether all parts were taken. */
  get isTaken(): boolean {
    return this.nextOffset > this.batch.lastOffset;
  }

  /** Takes the records that are due, as a fetch of their own. Must not be called before `dueAt`. */
  take(now: number): FetchedBatch {
    const records: ConsumedRecord[] = [];
    while ('record' in this.next && this.dueAt <= now) {
      records.push(this.next.record);
      this.next = this.step();
    }
    const { next, nextOffset: fetchOffset } = this;
    const lastOffset = 'record' in next ? next.record.offset - 1 : this.batch.lastOffset;
    this.nextOffset = lastOffset + 1;
    const epochs = epochsWithin(this.batch.epochs, fetchOffset, this.nextOffset);
    return { ...this.batch, records: iterated(records, next), fetchOffset, lastOffset, epochs };
  }

  private step(): Next {
    try {
      const { done, value } = this.batch.records.next();
      return done === true ? { end: 'reached' } : { record: value };
    } catch (error) {
      return { error };
    }
  }
}

/** Iterates over the records, and then throws the error that ended the fetch, on each further call. */
function iterated(records: readonly ConsumedRecord[], next: Next): Iterator<ConsumedRecord, undefined> {
  let at = 0;
  return {
    next: () => {
      const record = records[at];
      at += 1;
      if (record !== undefined) return { done: false, value: record };
      if ('error' in next) throw next.error;
      return { done: true, value: undefined };
    },
  };
}
