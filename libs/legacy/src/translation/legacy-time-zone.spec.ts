import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { LegacyTimeZone } from './legacy-time-zone.js';

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  // Half an hour of daylight saving time.
  'Australia/Lord_Howe',
  // Skipped a whole day in 2011.
  'Pacific/Apia',
  // Its offset had seconds until 1972.
  'Africa/Monrovia',
];

const zone = fc.constantFrom(...ZONES).map((name) => new LegacyTimeZone(name));
const instant = fc.date({ min: new Date('1970-01-03'), max: new Date('2199-12-30'), noInvalidDate: true });

describe('the time zone of the legacy system', () => {
  it('converts each instant as the library does, and back unless its local time is ambiguous', () => {
    const property = fc.property(zone, instant, (legacy, date) => {
      const zoned = Temporal.Instant.fromEpochMilliseconds(date.getTime()).toZonedDateTimeISO(legacy.name);
      const local = zoned.toPlainDateTime().toString({ fractionalSecondDigits: 3 });
      expect(legacy.toLocal(date)).toBe(local);
      expect([date, 'ambiguous-time']).toContainEqual(legacy.toInstant(local));
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('rejects a local time exactly when the library does', () => {
    const hours = fc.integer({ min: 0, max: 36 });
    const property = fc.property(zone, instant, hours, (legacy, date, later) => {
      const transition = Temporal.Instant.fromEpochMilliseconds(date.getTime())
        .toZonedDateTimeISO(legacy.name)
        .getTimeZoneTransition('next');
      const near = (transition?.toPlainDateTime() ?? Temporal.PlainDateTime.from('2026-10-25T00:00')).add({
        minutes: (later - 18) * 15,
      });
      const local = near.toString({ fractionalSecondDigits: 3 });
      const found = legacy.toInstant(local);
      expect(found instanceof Date ? found : undefined).toEqual(onlyInstant(near, legacy.name));
    });
    fc.assert(property, { numRuns: 300 });
  });

  it.each([
    ['Europe/Berlin', '2026-10-25T02:30:00.000', 'ambiguous-time'],
    ['Europe/Berlin', '2026-10-25T02:00:00.000', 'ambiguous-time'],
    ['Europe/Berlin', '2026-10-25T01:59:59.999', '2026-10-24T23:59:59.999Z'],
    ['Europe/Berlin', '2026-10-25T03:00:00.000', '2026-10-25T02:00:00.000Z'],
    ['Europe/Berlin', '2026-03-29T02:30:00.000', 'nonexistent-time'],
    ['Europe/Berlin', '2026-03-29T01:59:59.999', '2026-03-29T00:59:59.999Z'],
    ['Europe/Berlin', '2026-03-29T03:00:00.000', '2026-03-29T01:00:00.000Z'],
    ['Pacific/Apia', '2011-12-30T12:00:00.000', 'nonexistent-time'],
    ['UTC', '2026-02-30T12:00:00.000', 'not-a-local-time'],
    ['UTC', '2026-01-31T24:00:00.000', 'not-a-local-time'],
    ['UTC', '2026-01-31T23:59:60.000', 'not-a-local-time'],
    ['UTC', '2026-01-31T12:00:00.000Z', 'not-a-local-time'],
    ['UTC', '2026-01-31T12:00:00', 'not-a-local-time'],
    ['UTC', '2026-01-31T12:00:00.0001', 'not-a-local-time'],
    ['UTC', '+010000-01-31T12:00:00.000', 'not-a-local-time'],
  ])('in %s reads %s as %s', (name, text, expected) => {
    const found = new LegacyTimeZone(name).toInstant(text);
    expect(found instanceof Date ? found.toISOString() : found).toBe(expected);
  });

  it('is rejected when its name is unknown', () => {
    expect(() => new LegacyTimeZone('Europe/Atlantis')).toThrow(RangeError);
  });
});

function onlyInstant(local: Temporal.PlainDateTime, name: string): Date | undefined {
  try {
    return new Date(local.toZonedDateTime(name, { disambiguation: 'reject' }).epochMilliseconds);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
