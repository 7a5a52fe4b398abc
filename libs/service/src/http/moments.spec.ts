import { describe, expect, it } from '@jest/globals';
import { explainMoment, parseMoment } from './moments.js';

describe('a moment', () => {
  it.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z', '2026-01-31T23:59:59.999Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z', '2024-02-29T23:59:59.999Z'],
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00.123+02:00', '2026-01-31T10:00:00.123Z', '2026-01-31T10:00:00.123Z'],
  ])('%s is a day in UTC, or one millisecond', (text, first, last) => {
    expect([parseMoment(text, 'first')?.toISOString(), parseMoment(text, 'last')?.toISOString()]).toEqual([
      first,
      last,
    ]);
  });

  it.each([
    ['a half-typed date', '2026-01'],
    ['a half-typed time', '2026-01-31T12'],
    ['no time zone', '2026-01-31T12:00:00'],
    ['a day that does not exist', '2026-02-30'],
    ['fractions of a millisecond', '2026-01-31T12:00:00.0001Z'],
    ['another order of day and month', '31.01.2026'],
    ['a year of five digits', '10000-01-01T00:00:00Z'],
    ['a pasted space', ' 2026-01-31'],
    ['nothing', ''],
  ])('is not %s: %j', (_, text) => {
    expect(parseMoment(text, 'first')).toBeUndefined();
  });

  it.each(['2026-02-30', '2026-13-01', '2026-02-30T12:00:00Z'])('is not %s: the calendar has no such day', (text) => {
    expect(parseMoment(text, 'first')).toBeUndefined();
    expect(explainMoment(text)).toBe('must be a day of the calendar');
  });

  it.each(['2026-01', '2026-01-31T12:00:00', '2026-01-31T25:00:00Z'])(
    'is not %s: the text has another form',
    (text) => {
      expect(explainMoment(text)).toMatch(/^must be a date such as 2026-01-31 /);
    },
  );
});
