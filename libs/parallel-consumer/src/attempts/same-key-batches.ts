import type { BatchItem, BatchResult } from './batch-item.js';
import { checkedResults, type BatchWriter } from './batcher.js';
import type { TakenRecord } from './record-handler.js';

/** The first item of its key in a batch: only such items are added one by one. */
export type FirstItem = BatchItem & { readonly attempt: { takeNext(): TakenRecord | undefined } };

/**
 * Fills each batch with records that wait behind its items for their key, in their order.
 * @returns what writes the first items together with them, and returns the results of the first items
 */
export function fillingWithSameKeys(handle: BatchWriter<BatchItem, BatchResult>, maxBatchSize: number) {
  return async (firstItems: readonly FirstItem[]): Promise<readonly BatchResult[]> => {
    const items: (FirstItem | TakenRecord)[] = [];
    let room = maxBatchSize - firstItems.length;
    for (const item of firstItems) {
      items.push(item);
      for (let next = takeNext(item, room); next !== undefined; next = takeNext(item, room)) {
        items.push(next);
        room -= 1;
      }
    }
    const results = checkedResults(await handle(items), items.length);
    for (const [index, item] of items.entries()) if ('report' in item) item.report(results[index]);
    return results.filter((_, index) => !('report' in (items[index] as FirstItem | TakenRecord)));
  };
}

function takeNext({ attempt }: FirstItem, room: number): TakenRecord | undefined {
  return room > 0 ? attempt.takeNext() : undefined;
}
