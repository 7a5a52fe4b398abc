import { beforeEach, describe, expect, it } from '@jest/globals';
import { ComparisonBudget } from './comparison-budget.js';

describe('the budget of comparisons', () => {
  let now: number;
  beforeEach(() => {
    now = 0;
  });

  /** Offers answers evenly. @returns how many are compared */
  function compared(budget: ComparisonBudget, perSecond: number, seconds: number): number {
    let count = 0;
    for (let nth = 0; nth < perSecond * seconds; nth += 1) {
      now += 1_000 / perSecond;
      if (budget.take()) count += 1;
    }
    return count;
  }

  it('compares all answers below it', () => {
    expect(compared(new ComparisonBudget(100, () => now), 90, 10)).toBe(900);
  });

  it('compares the same number however many answers there are', () => {
    const budget = new ComparisonBudget(100, () => now);
    compared(budget, 10_000, 1);
    expect(Math.round(compared(budget, 10_000, 10) / 10)).toBe(100);
  });

  it('makes up for one second without answers, not for more', () => {
    const budget = new ComparisonBudget(100, () => now);
    compared(budget, 1_000, 1);
    now += 60_000;
    expect(Array.from({ length: 300 }, () => budget.take()).filter(Boolean)).toHaveLength(100);
  });

  it('of 0 compares nothing', () => {
    expect(compared(new ComparisonBudget(0, () => now), 1_000, 10)).toBe(0);
  });
});
