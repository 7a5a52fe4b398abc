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

/**
 * Hashes four 32-bit words with MurmurHash3_x86_32 (Austin Appleby, public domain) to an unsigned 32-bit number.
 * It serves as a counter-based random source with random access: any draw costs the same, independent of earlier draws.
 * A seeded sequence (`faker.seed`, xorshift, `Math.random`) does not offer that.
 */
export function murmur3(seed: number, a: number, b: number, c: number, d: number): number {
  let hash = mix(mix(mix(mix(seed, a), b), c), d) ^ 16;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, 0x1b873593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}
