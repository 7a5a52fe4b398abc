import { quoted, toNumber } from '../forms/number-text.js';

/**
 * What a search text asks for. `orders`: a path of the query API, and the sentence for no result. `id`: an order or an operation, which
 * have ids of the same form. `fault`: a text that can't be right, and what is expected.
 */
export type Search =
  | { readonly kind: 'orders'; readonly path: string; readonly none: string }
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'letter'; readonly id: string }
  | { readonly kind: 'fault'; readonly text: string };

const PAGE_SIZE = '20';
const DAY_MS = 24 * 60 * 60 * 1_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Several groups of hexadecimal digits, which no symbol has. */
const PART_OF_UUID = /^[0-9a-f]{8}-[0-9a-f-]{0,40}$/i;
const LETTER = /^[\w.-]{1,249}\/\d{1,6}\/\d{1,16}$/;
const PAGE = /^page\s+(?<page>\S+)$/i;
const DAYS = /^(?<from>\d{4}-\d\d-\d\d)(?:\s*(?:\.\.|to|–)\s*(?<to>\d{4}-\d\d-\d\d))?$/i;
const PART_OF_DATE = /^\d{4}-\d{0,2}(-\d{0,2})?(t[\d:.z]*)?$/i;
/** Both ends as text; each may have separators. */
const RANGE = /^(?<from>[#\d][^.\-–]*?)\s*(?:\.\.\.?|-|–|\bto\b)\s*(?<to>[#\d].*)$/i;
const NUMBER_LIKE = /^[#+-]?[\d.,][\d\s.,_'’e+-]*$/i;

/** Reads a search text: an id, `page N`, a number, a range of numbers or days, an account or a symbol. Empty text: the first page. */
export function readSearch(text: string): Search {
  const given = text.trim();
  if (given === '') return ordersOf('', { page: '1' }, 'There are no orders yet.');
  if (UUID.test(given)) return { kind: 'id', id: given.toLowerCase() };
  if (LETTER.test(given)) return { kind: 'letter', id: given };
  const page = PAGE.exec(given)?.groups?.['page'];
  if (page !== undefined) return pageSearch(page);
  const days = DAYS.exec(given)?.groups;
  if (days?.['from'] !== undefined) return daysSearch(days['from'], days['to'] ?? days['from']);
  if (PART_OF_UUID.test(given)) return fault(`${quoted(given)} is only a part of an id: an id has 36 characters`);
  const range = RANGE.exec(given)?.groups;
  if (PART_OF_DATE.test(given) && !isRising(range))
    return fault(`${quoted(given)} is neither a day, such as 2026-01-31, nor a range of numbers, such as 500..502`);
  if (range?.['from'] !== undefined) return rangeSearch(range['from'], range['to'] ?? '');
  if (NUMBER_LIKE.test(given)) return rangeSearch(given, given);
  if (/^acc/i.test(given)) {
    const accountId = /^acc-\d+$/i.test(given) ? given.toLowerCase() : given;
    return ordersOf('', { accountId }, `There are no saved orders of the account ${quoted(accountId)}.`);
  }
  const symbol = given.toUpperCase();
  return ordersOf('', { symbol }, `There are no saved orders with the symbol ${quoted(symbol)}.`);
}

function pageSearch(text: string): Search {
  const page = toOrderNumber(text);
  if (page === undefined) return fault(`A page is a whole number from 1, got ${quoted(text)}`);
  return ordersOf('', { page: `${page}` }, 'There are no orders on this page.');
}

function rangeSearch(fromText: string, toText: string): Search {
  const [from, to] = [toOrderNumber(fromText), toOrderNumber(toText)];
  if (from === undefined) return fault(`An order number is a whole number from 1, got ${quoted(fromText)}`);
  if (to === undefined) return fault(`An order number is a whole number from 1, got ${quoted(toText)}`);
  if (from > to) return fault(`A range begins with its lower number: ${to}..${from}`);
  const none =
    from === to ? `No saved order has the number ${from}.` : `No saved order has a number from ${from} to ${to}.`;
  return ordersOf('/range', { from: `${from}`, to: `${to}` }, none);
}

/** Days are UTC, as the times of the API are. */
function daysSearch(fromText: string, toText: string): Search {
  const [from, to] = [toDay(fromText), toDay(toText)];
  if (from === undefined) return fault(`There is no day ${quoted(fromText)}`);
  if (to === undefined) return fault(`There is no day ${quoted(toText)}`);
  if (from > to) return fault(`A range begins with its earlier day: ${toText}..${fromText}`);
  const end = new Date(to.getTime() + DAY_MS);
  const days = fromText === toText ? `on ${fromText}` : `from ${fromText} to ${toText}`;
  return ordersOf(
    '',
    { 'createdAt[gte]': from.toISOString(), 'createdAt[lt]': end.toISOString() },
    `No saved order was created ${days} (UTC).`,
  );
}

function ordersOf(path: string, parameters: Readonly<Record<string, string>>, none: string): Search {
  const query = new URLSearchParams({ ...parameters, pageSize: PAGE_SIZE });
  return { kind: 'orders', path: `/v1/orders${path}?${query}`, none };
}

function fault(text: string): Search {
  return { kind: 'fault', text: `${text}.` };
}

function isRising(range: Readonly<Record<string, string | undefined>> | undefined): boolean {
  const [from, to] = [toOrderNumber(range?.['from'] ?? ''), toOrderNumber(range?.['to'] ?? '')];
  return from !== undefined && to !== undefined && from <= to;
}

function toOrderNumber(text: string): number | undefined {
  const value = toNumber(text.trim().replace(/^#\s*/, ''));
  return value !== undefined && Number.isSafeInteger(value) && value >= 1 ? value : undefined;
}

function toDay(text: string): Date | undefined {
  const day = new Date(`${text}T00:00:00Z`);
  // JavaScript reads February 30 as March 2.
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text) ? day : undefined;
}
