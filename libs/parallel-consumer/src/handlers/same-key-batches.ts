import type { OpenRecord, TakenRecord } from '../attempts/record-handler.js';

/** By how much the expected number of records of a key may grow from one batch to the next: a single busy key says little about others. */
const MAX_GROWTH = 2;

/**
 * Fills batches with records that wait behind their first ones for their keys, in their order.
 *
 * Each batch has about as few keys as filled the last one, so that the keys that are left fill another one, which is written at the same
 * time. A batch of all keys would leave the next one none. Where the in-flight limit is lower than a batch and the keys that wait need, batches
 * are smaller.
 */
export class SameKeyBatches {
  private perKey = 1;

  constructor(private readonly maxBatchSize: number) {}

  /** How many keys probably fill a batch. */
  get size(): number {
    return Math.ceil(this.maxBatchSize / this.perKey);
  }

  /** Returns the items, each followed by the records that are taken with it. */
  filledFrom(firstItems: readonly OpenRecord[]): (OpenRecord | TakenRecord)[] {
    const items: (OpenRecord | TakenRecord)[] = [];
    let room = this.maxBatchSize - firstItems.length;
    let keys = 0;
    for (const item of firstItems) {
      if (room > 0) keys += 1;
      items.push(item);
      for (let next = takeNext(item, room); next !== undefined; next = takeNext(item, room)) {
        items.push(next);
        room -= 1;
      }
    }
    const taken = items.length - firstItems.length;
    if (keys > 0) this.perKey = Math.min(1 + taken / keys, MAX_GROWTH * this.perKey);
    return items;
  }
}

function takeNext({ attempt }: OpenRecord, room: number): TakenRecord | undefined {
  return room > 0 ? attempt.takeNext() : undefined;
}
