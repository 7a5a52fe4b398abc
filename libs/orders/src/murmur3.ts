/**
 * MurmurHash3_x86_32 (Austin Appleby, public domain) of four 32-bit words, as an unsigned 32-bit number.
 * A counter-based source of randomness: any draw costs the same, whatever came before it, which a seeded sequence
 * (`faker.seed`, xorshift, `Math.random`) can't give.
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
