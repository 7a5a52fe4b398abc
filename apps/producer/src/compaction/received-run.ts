import type { IntakeBatch } from '#orders/numbering/intake-batches.js';
import { FULL_BLOCK_ORDERS, type IndexRange } from '#orders/operation/operation.js';

/** Batches of one settled block: they are in memory at once. */
const MAX_BATCHES = 5_000;

/** The next batches that may be settled together, or why none may. */
export type ReceivedRun =
  | { readonly kind: 'batches'; readonly batches: readonly IntakeBatch[] }
  | { readonly kind: 'keys'; readonly until: Date | undefined };

/**
 * Takes the batches of the next settled block of an intake: up to 100,000 orders of up to 5,000 batches. A batch with Idempotency-Keys that
 * are stored still answers repeated requests, so that nothing is settled before its keys have expired.
 * @param batches the acknowledged batches outside of `passed`, by ascending index
 * @param passed indexes of other blocks: no block reaches across them
 * @returns `undefined` if there is none
 */
export async function nextRun(
  batches: AsyncIterable<IntakeBatch>,
  passed: readonly IndexRange[],
): Promise<ReceivedRun | undefined> {
  const run: IntakeBatch[] = [];
  let orders = 0;
  for await (const batch of batches) {
    const [first] = run;
    if (first !== undefined) {
      if (orders + batch.count > FULL_BLOCK_ORDERS || run.length === MAX_BATCHES) break;
      if (passed.some(({ from }) => first.from < from && from <= batch.from)) break;
    }
    if (batch.requests !== undefined) return { kind: 'keys', until: batch.keysUntil };
    run.push(batch);
    orders += batch.count;
  }
  return run.length === 0 ? undefined : { kind: 'batches', batches: run };
}
