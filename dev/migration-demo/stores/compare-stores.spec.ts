import { describe, expect, it } from '@jest/globals';
import type { KnownOrder } from '../load/judge.js';
import { compareStores, type StoresToCompare } from './compare-stores.js';

const order = (number: number, text = `text ${number}`): KnownOrder => ({ id: `id-${number}`, number, text });
const [one, two, three] = [order(1), order(2), order(3)];
const acknowledged = (known: KnownOrder, at = 0) => ({ ...known, at });

/** One old order, and two that clients were acknowledged; all are on both sides. */
const EQUAL: StoresToCompare = {
  old: [one],
  acknowledged: [acknowledged(two), acknowledged(three)],
  sighted: [two, three],
  legacy: [one, two, three],
  created: [one, two, three],
  legacyUntil: Number.POSITIVE_INFINITY,
};

function countsOf(change: Partial<StoresToCompare>): object {
  const { lost, doubled, differing, onOneSide } = compareStores({ ...EQUAL, ...change });
  return { lost: lost.count, doubled: doubled.count, differing: differing.count, onOneSide: onOneSide.count };
}
const NONE = { lost: 0, doubled: 0, differing: 0, onOneSide: 0 };

describe('the comparison of what is stored', () => {
  it('finds nothing where both sides have all orders', () => {
    expect(countsOf({})).toEqual(NONE);
    expect(compareStores(EQUAL)).toMatchObject({ legacyOrders: 3, newOrders: 3, acknowledged: 2 });
  });

  it('counts orders that were acknowledged, old or seen, and are missing', () => {
    expect(countsOf({ legacy: [one, two] })).toEqual({ ...NONE, lost: 1, onOneSide: 1 });
    expect(countsOf({ created: [two, three] })).toEqual({ ...NONE, lost: 1, onOneSide: 1 });
    expect(countsOf({ sighted: [order(4)] })).toEqual({ ...NONE, lost: 1 });
  });

  it('counts an id or a number that a side has twice', () => {
    expect(countsOf({ legacy: [one, two, three, { ...three, number: 4 }] })).toMatchObject({ doubled: 1 });
    expect(countsOf({ created: [one, two, three, { ...order(4), number: 3 }] })).toMatchObject({ doubled: 1 });
  });

  it('counts orders that differ from the other side, or from what was acknowledged', () => {
    expect(countsOf({ created: [one, two, order(3, 'other')] })).toMatchObject({ differing: 2 });
    const other = order(3, 'other');
    expect(countsOf({ legacy: [one, two, other], created: [one, two, other] })).toMatchObject({ differing: 2 });
  });

  it('wants on the legacy system only what was acknowledged before writes were complete', () => {
    const late = { acknowledged: [acknowledged(two, 5), acknowledged(three, 10)], legacyUntil: 10 };
    expect(countsOf({ ...late, legacy: [one, two] })).toEqual(NONE);
    expect(countsOf({ ...late, legacy: [one] })).toEqual({ ...NONE, lost: 1 });
  });
});
