import { createDraws } from '../generator/seeded-random.js';

/** The bounds of a simulated save's duration, in milliseconds. */
export interface SaveBounds {
  readonly minimum: number;
  readonly maximum: number;
}

/** A separate draw from those of the order's fields (generator.ts) and of the faults (fault-mix.ts). */
const SAVE = 201;
const RESOLUTION = 2 ** 32;

/**
 * Returns the duration for a draw, in whole milliseconds.
 * @param draw from 0 up to, but not including, 1
 */
export function saveDelayMs({ minimum, maximum }: SaveBounds, draw: number): number {
  return Math.round(minimum + draw * (maximum - minimum));
}

/**
 * Draws the save duration of each order. Like the orders, it is a pure function of (seed, index), so that two runs over the
 * same orders wait equally long and the expected duration is known in advance.
 */
export function saveDrawsOf(seed: number): (index: number) => number {
  const draw = createDraws(seed);
  return (index) => draw(SAVE, index, RESOLUTION) / RESOLUTION;
}
