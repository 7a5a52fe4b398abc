import { readOrigin } from '#orders/operation/record-headers.js';
import { saveDelayMs, saveDrawsOf, type SaveBounds } from '#orders/consumer/simulated-save.js';
import { pause, type Clock } from '@orders-pipeline/clock';
import type { ConsumedRecord } from '@orders-pipeline/parallel-consumer';

const NO_WAIT = Promise.resolve();

/** Draws the position of a record's delay between its bounds, from 0 up to, but not including, 1. */
export type DelayDraw = (record: Pick<ConsumedRecord, 'headers'>) => number;

/** Draws the same delay for the same order of an operation in every run; random for records without an operation. */
export function seededDelays(seed: number, random: () => number): DelayDraw {
  const drawOf = saveDrawsOf(seed);
  return ({ headers }) => {
    const origin = readOrigin(headers);
    return origin === undefined ? random() : drawOf(origin.index);
  };
}

/**
 * Simulates slow I/O before each save: a delay drawn uniformly between two bounds, in milliseconds. Like a call to a slow
 * bank, it occupies only a place of the in-flight limit.
 *
 * Delays that end in the same millisecond share one timer and one promise. Thousands run concurrently, and the garbage
 * collector copies the objects of each repeatedly until it ends.
 */
export class SimulatedDelay {
  private readonly ends = new Map<number, Promise<void>>();

  constructor(
    private readonly bounds: SaveBounds,
    private readonly draw: DelayDraw,
    private readonly clock: Clock,
  ) {}

  wait(record: Pick<ConsumedRecord, 'headers'>): Promise<void> {
    if (this.bounds.maximum === 0) return NO_WAIT;
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
