import type { OpenRecord, TakenRecord } from './record-handler.js';

/** Fills a batch with records that wait behind its items for their keys, in their order: each item is followed by those taken with it. */
export function withSameKeys(firstItems: readonly OpenRecord[], maxBatchSize: number): (OpenRecord | TakenRecord)[] {
  const items: (OpenRecord | TakenRecord)[] = [];
  let room = maxBatchSize - firstItems.length;
  for (const item of firstItems) {
    items.push(item);
    for (let next = takeNext(item, room); next !== undefined; next = takeNext(item, room)) {
      items.push(next);
      room -= 1;
    }
  }
  return items;
}

function takeNext({ attempt }: OpenRecord, room: number): TakenRecord | undefined {
  return room > 0 ? attempt.takeNext() : undefined;
}
