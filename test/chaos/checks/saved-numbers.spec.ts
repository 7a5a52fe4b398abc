import { describe, expect, it } from '@jest/globals';
import { SavedNumbers } from './saved-numbers.js';

const FIRST = 101;
const saved = (): SavedNumbers => new SavedNumbers(FIRST, 1_000, 2);
const note = (numbers: SavedNumbers, index: number): void =>
  numbers.note({ number: FIRST + index, partition: index % 2 });

describe('the known saved orders', () => {
  it('are those noted from inserts, counted by partition, without other operations', () => {
    const numbers = saved();
    for (const index of [0, 1, 2, -1, 1_000]) note(numbers, index);
    expect([numbers.total, numbers.byPartition]).toEqual([3, [2, 1]]);
    expect([FIRST + 2, FIRST + 3, FIRST - 1].map((number) => numbers.has(number))).toEqual([true, false, false]);
  });

  it('include orders that a read returned before their insert was noted, and count them at the insert', () => {
    const numbers = saved();
    numbers.noteReturned(FIRST + 7);
    expect([numbers.has(FIRST + 7), numbers.total]).toEqual([true, 0]);
    note(numbers, 7);
    expect(numbers.total).toBe(1);
  });

  it('offer one of the last 20 saved orders for a read', () => {
    const numbers = saved();
    expect(numbers.oneOfTheLast(() => 0)).toBeUndefined();
    for (let index = 0; index < 500; index += 1) note(numbers, index);
    const all = Array.from({ length: 20 }, (_, drawn) => numbers.oneOfTheLast(() => drawn) ?? 0);
    expect([Math.min(...all), Math.max(...all)]).toEqual([480, 499]);
  });
});
