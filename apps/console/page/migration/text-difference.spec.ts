import { describe, expect, it } from '@jest/globals';
import { differenceOf } from './text-difference.js';

describe('the part in which two values differ', () => {
  it.each([
    ['"17:30:00"', '"18:30:00"', ['"1', '7', '8', ':30:00"']],
    ['187.35', '187.3500', ['187.35', '', '00', '']],
    ['aa', 'aaa', ['aa', '', 'a', '']],
    ['buy', 'sell', ['', 'buy', 'sell', '']],
    ['7', '7', ['7', '', '', '']],
    ['', 'new', ['', '', 'new', '']],
  ])('of %s and %s', (legacy, other, [start, left, right, end]) => {
    const difference = differenceOf(legacy, other);
    expect(difference).toEqual({ start, legacy: left, new: right, end });
    expect([start + difference.legacy + end, start + difference.new + end]).toEqual([legacy, other]);
  });
});
