import { describe, expect, it } from '@jest/globals';
import { murmur3 } from './murmur3.js';

/** Reads four words from 16 characters, like the reference implementation on a little-endian machine. */
function wordsOf(text: string): [number, number, number, number] {
  const bytes = Buffer.from(text);
  return [bytes.readInt32LE(0), bytes.readInt32LE(4), bytes.readInt32LE(8), bytes.readInt32LE(12)];
}

describe('murmur3', () => {
  it('agrees with the reference implementation', () => {
    // Values from the Python package mmh3, which wraps the author's C++ code.
    expect(murmur3(0, 0, 0, 0, 0)).toBe(0x8134_cdf8);
    expect(murmur3(0, ...wordsOf('0123456789abcdef'))).toBe(0x36c7_e0df);
    expect(murmur3(42, ...wordsOf('0123456789abcdef'))).toBe(0x98e9_8b73);
  });

  it('spreads neighbouring counters evenly', () => {
    const buckets = Array.from({ length: 16 }, () => 0);
    for (let index = 0; index < 16_000; index += 1) {
      const bucket = murmur3(1, 42, 0, index, 0) >>> 28;
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    expect(Math.min(...buckets)).toBeGreaterThan(850);
    expect(Math.max(...buckets)).toBeLessThan(1_150);
  });
});
