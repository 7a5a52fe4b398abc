import { describe, expect, it } from '@jest/globals';
import { amount, duration, figure, moment, percent, plural } from './figures.js';

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

  it('show times in UTC, wherever the browser is', () => {
    expect([moment('2026-01-31T23:59:59.999Z'), moment('2026-01-31T23:00:00-05:00'), moment(null)]).toEqual([
      '2026-01-31 23:59:59 UTC',
      '2026-02-01 04:00:00 UTC',
      '–',
    ]);
  });

  it('group the digits of an exact amount, however large, and keep all decimals', () => {
    expect(['18735.0000', '123456789012345678.1234', '7.5000', '-1234.5', '999'].map((text) => amount(text))).toEqual([
      '18,735.0000',
      '123,456,789,012,345,678.1234',
      '7.5000',
      '-1,234.5',
      '999',
    ]);
  });

  it('show fractions in percent', () => {
    expect([percent(0.005), percent(0.25), percent(1)]).toEqual(['0.5 %', '25 %', '100 %']);
  });

  it('use the singular for one', () => {
    expect([plural(1, 'letter'), plural(1_200, 'letter')]).toEqual(['1 letter', '1,200 letters']);
  });
});
