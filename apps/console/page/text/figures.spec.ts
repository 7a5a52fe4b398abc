import { describe, expect, it } from '@jest/globals';
import { duration, figure, plural } from './figures.js';

describe('figures on the page', () => {
  it('have thousands separators, and an unknown value is never 0', () => {
    expect([0, 7.149, 12.7, 1_234_567].map((value) => figure(value))).toEqual(['0', '7.1', '13', '1,234,567']);
    expect([figure(null), figure(undefined), duration(null), duration(undefined)]).toEqual(['–', '–', '–', '–']);
  });

  it('show durations in fitting units', () => {
    expect([0, 2.5, 59.4, 80, 3_720].map((seconds) => duration(seconds))).toEqual([
      '0 s',
      '2.5 s',
      '59 s',
      '1 min 20 s',
      '1 h 2 min',
    ]);
    expect([119.7, 7_199].map((seconds) => duration(seconds))).toEqual(['2 min 0 s', '2 h 0 min']);
  });

  it('use the singular for one', () => {
    expect([plural(1, 'letter'), plural(1_200, 'letter')]).toEqual(['1 letter', '1,200 letters']);
  });
});
