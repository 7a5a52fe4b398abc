import { murmur3 } from './murmur3.js';

const TWO_32 = 2 ** 32;

/** Draws uniform integers from 0 to `below` - 1 (`below` is at most 2^32). Each depends only on (seed, field, index). */
export function createDraws(seed: number): (field: number, index: number, below: number) => number {
  const seedLow = seed | 0;
  const seedHigh = Math.floor(seed / TWO_32) | 0;
  return (field, index, below) => {
    const hash = murmur3(field, seedLow, seedHigh, index | 0, Math.floor(index / TWO_32) | 0);
    return Math.floor((hash / TWO_32) * below);
  };
}
