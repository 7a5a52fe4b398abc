import { describe, expect, it } from '@jest/globals';
import type { PlannedOrder } from './planned-orders.js';
import { measuredOrders, theorySeconds } from './theory.js';
import type { Way } from './ways.js';

/** Two accounts on partition 0, and one on partition 1. */
const ORDERS: PlannedOrder[] = [
  { accountId: 'a', partition: 0, waitMs: 100 },
  { accountId: 'b', partition: 0, waitMs: 400 },
  { accountId: 'c', partition: 1, waitMs: 450 },
  { accountId: 'a', partition: 0, waitMs: 380 },
];

function seconds(ordering: Way['ordering'], inFlight = 1_000): number {
  return theorySeconds({ ordering, inFlight }, ORDERS);
}

describe('the theoretical minimum', () => {
  it('is the sum of all waits one after another, in any ordering', () => {
    expect(seconds('key', 1)).toBeCloseTo(1.33);
    expect(seconds('unordered', 1)).toBeCloseTo(1.33);
  });

  it('is the longest sum of a partition with one record at a time per partition', () => {
    expect(seconds('partition')).toBeCloseTo(0.88);
  });

  it('is the longest sum of an account with order per account', () => {
    expect(seconds('key')).toBeCloseTo(0.48);
  });

  it('is the longest wait without order', () => {
    expect(seconds('unordered')).toBeCloseTo(0.45);
  });

  it('is 0 without orders', () => {
    expect(theorySeconds({ ordering: 'key', inFlight: 5 }, [])).toBe(0);
  });
});

describe('the number of measured orders', () => {
  const long = Array.from({ length: 100 }, (_, at) => ({ accountId: `${at}`, partition: at % 10, waitMs: 1_000 }));
  const oneAfterAnother = { ordering: 'key', inFlight: 1 } as const;

  it('is all of them if they take no longer than a sample', () => {
    expect(measuredOrders({ ordering: 'unordered', inFlight: 100 }, long, false)).toBe(100);
    expect(measuredOrders(oneAfterAnother, long.slice(0, 6), false)).toBe(6);
  });

  it('is as many of the first orders as take 6 s in theory', () => {
    expect(measuredOrders(oneAfterAnother, long, false)).toBe(6);
    expect(measuredOrders({ ordering: 'partition', inFlight: 12 }, long, false)).toBe(60);
  });

  it('is all of them with `full`', () => {
    expect(measuredOrders(oneAfterAnother, long, true)).toBe(100);
  });

  it('is at least one', () => {
    expect(measuredOrders(oneAfterAnother, [{ accountId: 'a', partition: 0, waitMs: 90_000 }, ...long], false)).toBe(1);
  });
});
