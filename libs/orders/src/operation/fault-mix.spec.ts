import { describe, expect, it } from '@jest/globals';
import { locateFaults, type FaultMix } from './fault-mix.js';

const MIX: FaultMix = { poison: 0.02, oversized: 0.01, duplicate: 0.05, conflict: 0.03 };
const ORDERS = 100_000;

function count(seed: number, mix: FaultMix): Record<string, number> {
  const faultsAt = locateFaults(seed, mix);
  const counts: Record<string, number> = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };
  for (let index = 0; index < ORDERS; index += 1) {
    const { instead, extras } = faultsAt(index);
    for (const fault of instead === undefined ? extras : [instead, ...extras]) counts[fault] = (counts[fault] ?? 0) + 1;
  }
  return counts;
}

/** Indexes that are followed by an extra record. */
function struck(seed: number): number[] {
  const faultsAt = locateFaults(seed, MIX);
  return Array.from({ length: 1_000 }, (_, index) => index).filter((index) => faultsAt(index).extras.length > 0);
}

describe('fault mix', () => {
  it('affects the requested fractions of orders', () => {
    const counts = count(1, MIX);
    const unreplaced = 1 - MIX.poison - MIX.oversized;
    const expected = {
      poison: MIX.poison,
      oversized: MIX.oversized,
      duplicate: MIX.duplicate * unreplaced,
      conflict: MIX.conflict * unreplaced,
    };
    for (const [fault, fraction] of Object.entries(expected))
      expect((counts[fault] ?? 0) / ORDERS / fraction).toBeCloseTo(1, 0);
  });

  it('affects the same orders for the same seed, and other orders for another seed', () => {
    expect(struck(7)).toEqual(struck(7));
    expect(struck(7)).not.toEqual(struck(8));
  });

  it('adds no extra record after a replaced order', () => {
    const all = locateFaults(1, { poison: 0.5, oversized: 0.5, duplicate: 1, conflict: 1 });
    for (let index = 0; index < 100; index += 1) expect(all(index).extras).toEqual([]);
    expect(count(1, { poison: 0.5, oversized: 0.5, duplicate: 1, conflict: 1 })).toMatchObject({ conflict: 0 });
  });

  it('affects every order at 1 and none at 0', () => {
    expect(count(3, { poison: 0, oversized: 0, duplicate: 1, conflict: 1 })).toEqual({
      poison: 0,
      oversized: 0,
      duplicate: ORDERS,
      conflict: ORDERS,
    });
    expect(locateFaults(3, null)(5)).toEqual({ instead: undefined, extras: [] });
  });
});
