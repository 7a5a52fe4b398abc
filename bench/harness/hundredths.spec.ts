import { describe, expect, it } from '@jest/globals';
import { Hundredths } from './hundredths.js';

describe('the hundredths of a run', () => {
  it('are marked when they are completed, several at once when one step passes them', () => {
    const hundredths = new Hundredths(1_000);
    hundredths.note(9, 5);
    hundredths.note(10, 6);
    hundredths.note(35, 9);
    expect(hundredths.marks).toEqual([0, 6, 9, 9]);
    expect(hundredths.isComplete).toBe(false);
  });

  it('end with the expected records and ignore further ones', () => {
    const hundredths = new Hundredths(50);
    hundredths.note(50, 100);
    hundredths.note(80, 200);
    expect(hundredths.marks).toHaveLength(101);
    expect(hundredths.marks.at(-1)).toBe(100);
    expect(hundredths.isComplete).toBe(true);
  });
});
