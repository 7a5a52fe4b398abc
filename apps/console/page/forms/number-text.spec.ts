import { describe, expect, it } from '@jest/globals';
import { fieldText, readNumber } from './number-text.js';

const COUNT = { min: 1, max: 10_000_000, isWhole: true };
const RATE = { min: 0.1, max: 1_000_000, isWhole: false };

describe('the text of a number field', () => {
  it.each([
    ['100000', 100_000],
    ['100,000', 100_000],
    ['100 000', 100_000],
    ['100\u00a0000', 100_000],
    ['1\u202f000\u202f000', 1_000_000],
    [' \t7\n', 7],
    ['007', 7],
  ])('%j is read as %d', (text, value) => {
    expect(readNumber(text, COUNT)).toEqual({ value });
  });

  it('is no value when empty, so that the service applies its default', () => {
    expect([readNumber('', COUNT), readNumber('  ', COUNT)]).toEqual([{ value: undefined }, { value: undefined }]);
  });

  const refused =
    "-5 0 10,000,001 1.5 100.000 1.000.000 1,000.0 7. 1,00 1,0000 1_000 1'000 +7 1e3 1e 1e999 many 0x10 5- NaN Infinity".split(
      ' ',
    );
  it.each(refused)('%j is refused with what is allowed, and with what was typed', (text) => {
    expect(readNumber(text, COUNT)).toEqual({
      fault: `must be a whole number from 1 to 10,000,000, got “${text}”`,
    });
  });

  it('may have decimals where parts are allowed', () => {
    expect([readNumber('0.5', RATE), readNumber('1,000.25', RATE), readNumber('.5', RATE)]).toEqual([
      { value: 0.5 },
      { value: 1_000.25 },
      { value: 0.5 },
    ]);
    expect(readNumber('0,5', RATE)).toEqual({ fault: 'must be a number from 0.1 to 1,000,000, got “0,5”' });
  });

  it('never rounds a number that is too large to be exact', () => {
    const seed = { min: 0, max: Number.MAX_SAFE_INTEGER, isWhole: true };
    expect(readNumber('9007199254740993', seed).fault).toMatch(/from 0 to 9,007,199,254,740,991/);
  });

  it('is quoted in part when it is long', () => {
    expect(readNumber('x'.repeat(500), COUNT).fault).toHaveLength(92);
  });

  it('is shown with separators', () => {
    expect([fieldText(1e6), fieldText(0.25)]).toEqual(['1,000,000', '0.25']);
  });
});
