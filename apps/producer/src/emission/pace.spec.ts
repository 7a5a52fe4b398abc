import { describe, expect, it } from '@jest/globals';
import { Pace } from './pace.js';

describe('Pace', () => {
  it('returns the time until an order is due by the schedule', () => {
    expect(new Pace(1_000, 0).untilDue(500, 100)).toBe(400);
  });

  it('catches up after a stall instead of delaying later orders', () => {
    const pace = new Pace(1_000, 0);
    expect(pace.untilDue(500, 3_000)).toBe(0);
    expect(pace.untilDue(3_500, 3_000)).toBe(500);
  });

  it('counts the orders that are due', () => {
    const pace = new Pace(1_000, 1_000);
    expect([999, 1_000, 1_001, 2_000].map((now) => pace.dueBy(now))).toEqual([0, 1, 2, 1_001]);
  });

  it('never waits without a rate', () => {
    const pace = new Pace(null, 0);
    expect(pace.untilDue(1_000_000, 0)).toBe(0);
    expect(pace.dueBy(0)).toBe(Number.POSITIVE_INFINITY);
  });
});
