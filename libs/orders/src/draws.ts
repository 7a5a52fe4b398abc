import { murmur3 } from './murmur3.js';

const TWO_32 = 2 ** 32;

/** Evenly drawn whole numbers, 0 up to but not including `below` (2^32 at the most), each from (seed, field, index) alone. */
export function drawsOf(seed: number): (field: number, index: number, below: number) => number {
  const seedLow = seed | 0;
  const seedHigh = Math.floor(seed / TWO_32) | 0;
  return (field, index, below) => {
    const hash = murmur3(field, seedLow, seedHigh, index | 0, Math.floor(index / TWO_32) | 0);
    return Math.floor((hash / TWO_32) * below);
  };
}
