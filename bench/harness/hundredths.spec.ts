import { describe, expect, it } from '@jest/globals';
import { Hundredths } from './hundredths.js';

describe('the hundredths of a run', () => {
  it('are marked when they are finished, several at once where one step passes them', () => {
    const hundredths = new Hundredths(1_000);
    hundredths.note(9, 5);
    hundredths.note(10, 6);
    hundredths.note(35, 9);
    expect(hundredths.marks).toEqual([0, 6, 9, 9]);
    expect(hundredths.isComplete).toBe(false);
  });

  it('end with the wanted records, whatever comes beyond', () => {
    const hundredths = new Hundredths(50);
    hundredths.note(50, 100);
    hundredths.note(80, 200);
    expect(hundredths.marks).toHaveLength(101);
    expect(hundredths.marks.at(-1)).toBe(100);
    expect(hundredths.isComplete).toBe(true);
  });
});
