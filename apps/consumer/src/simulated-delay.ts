import { readOrigin } from '#orders/record-headers.js';
import { saveDelayMs, saveDrawsOf, type SaveBounds } from '#orders/simulated-save.js';
import { pause, type Clock } from '#parallel-consumer/clock.js';
import type { ConsumedRecord } from '#parallel-consumer/record.js';

const OVER = Promise.resolve();

/** Where between its bounds a record's wait lies: 0 up to but not including 1. */
export type DelayDraw = (record: Pick<ConsumedRecord, 'headers'>) => number;

/** The same wait for the same order of an operation in every run; at random for what no operation made. */
export function seededDelays(seed: number, random: () => number): DelayDraw {
  const drawOf = saveDrawsOf(seed);
  return ({ headers }) => {
    const origin = readOrigin(headers);
    return origin === undefined ? random() : drawOf(origin.index);
  };
}

/**
 * The slow I/O that every save stands for: a wait evenly drawn between two bounds, to the millisecond. It holds a place in
 * flight and nothing else, as a call to a slow bank would.
 *
 * Waits that end in the same millisecond share one timer and one promise: thousands are under way at once, and what each of
 * them holds is copied by the garbage collector again and again until it ends.
 */
export class SimulatedDelay {
  private readonly ends = new Map<number, Promise<void>>();

  constructor(
    private readonly bounds: SaveBounds,
    private readonly draw: DelayDraw,
    private readonly clock: Clock,
  ) {}

  wait(record: Pick<ConsumedRecord, 'headers'>): Promise<void> {
    if (this.bounds.maximum === 0) return OVER;
    const now = this.clock.now();
    const end = now + saveDelayMs(this.bounds, this.draw(record));
    const known = this.ends.get(end);
    if (known !== undefined) return known;
    const wait = pause(this.clock, end - now);
    this.ends.set(end, wait);
    void wait.then(() => this.ends.delete(end));
    return wait;
  }
}
