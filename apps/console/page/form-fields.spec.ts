import { describe, expect, it } from '@jest/globals';
import { readToken } from './sign-in.js';
import { fieldText, readNumber } from './form-fields.js';

const COUNT = { min: 1, max: 10_000_000, isWhole: true };

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
    for (const text of ['', '  ']) expect(readNumber(text, COUNT)).toEqual({ value: undefined });
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

  it.each([
    ['0.5', { value: 0.5 }],
    ['1,000.25', { value: 1_000.25 }],
    ['.5', { value: 0.5 }],
    ['0,5', { fault: 'must be a number from 0.1 to 1,000,000, got “0,5”' }],
  ])('%j may have decimals where parts are allowed', (text, read) => {
    expect(readNumber(text, { min: 0.1, max: 1_000_000, isWhole: false })).toEqual(read);
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

describe('a pasted token', () => {
  it.each([
    'a.b-c.d_e',
    ' a.b-c.d_e\n',
    'Bearer a.b-c.d_e',
    'Authorization: Bearer a.b-c.d_e',
    '"a.b-c.d_e"',
    'a.b-c.\nd_e',
  ])('%j is read without what a copy adds', (text) => {
    expect(readToken(text)).toEqual({ token: 'a.b-c.d_e' });
  });

  it('is refused when there is none, or not all of it', () => {
    for (const text of ['', '  ', 'Bearer '])
      expect(readToken(text).fault).toBe('Paste an access token into the field first.');
    for (const text of ['a.b', 'secret', 'a.b.c.d', 'a.b.ü'])
      expect(readToken(text).fault).toMatch(/three parts, separated by dots/);
  });
});
