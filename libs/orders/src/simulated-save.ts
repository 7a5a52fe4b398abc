import { drawsOf } from './draws.js';

/** Between which waits a simulated save takes, in milliseconds. */
export interface SaveBounds {
  readonly minimum: number;
  readonly maximum: number;
}

/** A draw of its own, beside those of the order's fields (generator.ts) and of the faults (fault-mix.ts). */
const SAVE = 201;
const RESOLUTION = 2 ** 32;

/** @param draw 0 up to but not including 1. @returns whole milliseconds */
export function saveDelayMs({ minimum, maximum }: SaveBounds, draw: number): number {
  return Math.round(minimum + draw * (maximum - minimum));
}

/**
 * The draw for the save of each order: a pure function of (seed, index), as the orders are. Two runs over the same orders then wait the
 * same, and how long they must take can be known in advance.
 */
export function saveDrawsOf(seed: number): (index: number) => number {
  const draw = drawsOf(seed);
  return (index) => draw(SAVE, index, RESOLUTION) / RESOLUTION;
}
