import { quoted } from '../forms/number-text.js';
import { fault, ordersOf, type Search } from './search.js';

const DAY_MS = 24 * 60 * 60 * 1_000;
const DAY = /^\d{4}-\d\d-\d\d$/;
const BETWEEN = /\s*(?:\.\.\.?|–|\bto\b)\s*/i;
/** Days of other countries. With dots the day is first; with slashes or dashes it may be the month. */
const YEAR_LAST = /^(?<day>\d{1,2})(?<mark>[./-])(?<month>\d{1,2})\k<mark>(?<year>\d{4}|\d{2})(?!\d)/;
const YEAR_FIRST = /^(?<year>\d{4})(?<mark>[./])(?<month>\d{1,2})\k<mark>(?<day>\d{1,2})(?!\d)/;
const WORDS = ['today', 'yesterday'];

/**
 * Reads a day or a range of days, such as `2026-01-31`, `2026-01-30..2026-01-31`, `2026-01-30..`, or `today`. Days are UTC, as the times of the API are.
 * @param now milliseconds since 1970
 * @returns `undefined` for any other text
 */
export function readDays(text: string, now: number): Search | undefined {
  const ends = text.split(BETWEEN).map((end) => namedDay(end, now));
  const [from = '', to = from] = ends;
  const areDays = ends.every((end) => end === '' || DAY.test(end));
  return areDays && ends.length <= 2 && `${from}${to}` !== '' ? daysSearch(from, to) : undefined;
}

/** Explains how to write a day that has another form, such as `31.01.2026`. Returns `undefined` for any other text. */
export function explainOtherDay(text: string): string | undefined {
  const { day = '', month = '', year = '', mark } = (YEAR_FIRST.exec(text) ?? YEAR_LAST.exec(text))?.groups ?? {};
  if (mark === undefined) return undefined;
  const meant = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const isClear = (mark === '.' || YEAR_FIRST.test(text)) && toDay(meant) !== undefined;
  return `A day is year-month-day: write ${isClear ? meant : '2026-01-31 for January 31'}, got ${quoted(text)}`;
}

/** @param from empty: no lower end, as `to` */
function daysSearch(from: string, to: string): Search {
  const [first, last] = [toDay(from), toDay(to)];
  if (from !== '' && first === undefined) return fault(`There is no day ${quoted(from)}`);
  if (to !== '' && last === undefined) return fault(`There is no day ${quoted(to)}`);
  if (first !== undefined && last !== undefined && first > last)
    return fault(`A range begins with its earlier day: ${to}..${from}`);
  const end = last && new Date(last.getTime() + DAY_MS);
  return ordersOf(
    '',
    {
      ...(first && { 'createdAt[gte]': first.toISOString() }),
      ...(end && { 'createdAt[lt]': end.toISOString() }),
    },
    `No saved order was created ${daysText(from, to)} (UTC).`,
  );
}

function daysText(from: string, to: string): string {
  if (from === to) return `on ${from}`;
  if (from === '') return `until ${to}`;
  return to === '' ? `since ${from}` : `from ${from} to ${to}`;
}

function namedDay(text: string, now: number): string {
  const daysAgo = WORDS.indexOf(text.toLowerCase());
  return daysAgo < 0 ? text : new Date(now - daysAgo * DAY_MS).toISOString().slice(0, 10);
}

function toDay(text: string): Date | undefined {
  const day = new Date(`${text}T00:00:00Z`);
  // JavaScript reads February 30 as March 2.
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text) ? day : undefined;
}
