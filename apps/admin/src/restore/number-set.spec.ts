import { describe, expect, it } from '@jest/globals';
import { NumberSet } from './number-set.js';

const MILLION = 1_048_576;

describe('a set of numbers', () => {
  it('says once that a number is new', () => {
    const set = new NumberSet();
    expect([set.add(7), set.add(7), set.add(8), set.has(7), set.has(9)]).toEqual([true, false, true, true, false]);
  });

  it('returns what is missing between two numbers as the fewest ranges', () => {
    const set = new NumberSet();
    for (const number of [1, 2, 5, 6, 9]) set.add(number);
    expect([...set.missing(1, 10)]).toEqual([
      { from: 3, to: 4 },
      { from: 7, to: 8 },
      { from: 10, to: 10 },
    ]);
    expect([...set.missing(1, 2)]).toEqual([]);
    expect([...set.missing(3, 2)]).toEqual([]);
  });

  it('passes millions of missing numbers at once, up to the last one', () => {
    const set = new NumberSet();
    set.add(10);
    set.add(90 * MILLION + 5);
    expect([...set.missing(11, 100 * MILLION + 3)]).toEqual([
      { from: 11, to: 90 * MILLION + 4 },
      { from: 90 * MILLION + 6, to: 100 * MILLION + 3 },
    ]);
    expect([...set.missing(50 * MILLION, 50 * MILLION)]).toEqual([{ from: 50 * MILLION, to: 50 * MILLION }]);
  });
});
