import type { Clock } from '@orders-pipeline/clock';
import type { ConsumedRecord, OpenRecord } from '@orders-pipeline/parallel-consumer';
import { type SaveBounds, saveDelayMs, saveDrawsOf } from '#orders/consumer/simulated-save.js';
import { readOrigin } from '#orders/operation/record-headers.js';

/** Draws the position of a record's delay between its bounds, from 0 up to, but not including, 1. */
type DelayDraw = (record: Pick<ConsumedRecord, 'headers'>) => number;

/** Draws the same delay for the same order of an operation in every run; random for records without an operation. */
export function seededDelays(seed: number, random: () => number): DelayDraw {
  const drawOf = saveDrawsOf(seed);
  return ({ headers }) => {
    const origin = readOrigin(headers);
    return origin === undefined ? random() : drawOf(origin.index);
  };
}

/** Returns what passes each item on to `next` after a delay, or reports an error to it. */
export type Delay = (next: (item: OpenRecord) => void) => (item: OpenRecord) => void;

/**
 * Simulates slow I/O before each save: a delay drawn uniformly between two bounds, in milliseconds. Like a call to a slow
 * bank, it occupies only a place of the in-flight limit.
 *
 * Delays that end in the same millisecond share one timer, and have no promise. Thousands run concurrently, and the garbage
 * collector copies the objects of each repeatedly until it ends.
 */
export function simulatedDelay(bounds: SaveBounds, draw: DelayDraw, clock: Clock): Delay {
  return (next) => {
    if (bounds.maximum === 0) return next;
    const ends = new Map<number, OpenRecord[]>();
    return (item) => {
      const now = clock.now();
      const end = now + saveDelayMs(bounds, draw(item.record));
      const ending = ends.get(end);
      if (ending !== undefined) return void ending.push(item);
      const items = [item];
      ends.set(end, items);
      clock.after(end - now, () => {
        ends.delete(end);
        for (const each of items) next(each);
      });
    };
  };
}
