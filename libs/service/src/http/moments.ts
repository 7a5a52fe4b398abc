import { z } from 'zod';

const DAY_MS = 24 * 60 * 60 * 1000;
const DATE = z.iso.date();
/** MongoDB stores milliseconds: a smaller fraction would be lost. */
const DATE_TIME = z.iso.datetime({ offset: true }).regex(/^(?!.*\.\d{4})/);

const MOMENT =
  'must be a date such as 2026-01-31 (the whole day in UTC), or a date and time with a time zone such as 2026-01-31T12:00:00Z';

/** Explains, as a predicate, why `parseMoment` rejects a text. */
export function explainMoment(text: string): string {
  const day = /^\d{4}-\d\d-\d\d(?=T|$)/.exec(text)?.[0];
  return day === undefined || DATE.safeParse(day).success ? MOMENT : 'must be a day of the calendar';
}

/**
 * Parses a date, or a date and time with a time zone and at most milliseconds.
 * @param ofDay the millisecond that a date without a time becomes: the first of its day in UTC, or the last
 * @returns `undefined` for any other text
 */
export function parseMoment(text: string, ofDay: 'first' | 'last'): Date | undefined {
  if (DATE.safeParse(text).success) {
    const midnight = Date.parse(text);
    return new Date(ofDay === 'first' ? midnight : midnight + DAY_MS - 1);
  }
  if (!DATE_TIME.safeParse(text).success) return undefined;
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}
