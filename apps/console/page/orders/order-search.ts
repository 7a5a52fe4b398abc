import { quoted } from '../figures.js';
import { allowed, toNumber } from '../form-fields.js';
import { isUuid } from '../routing.js';

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

/** @param none the sentence for no result */
function ordersOf(path: string, parameters: Readonly<Record<string, string>>, none: string): Search {
  const query = new URLSearchParams({ ...parameters, pageSize: PAGE_SIZE });
  return { kind: 'orders', path: `/v1/orders${path}?${query}`, none };
}

/** @param text a sentence without its full stop */
function fault(text: string): Search {
  return { kind: 'fault', text: `${text}.` };
}

/** The first group of an id, and what follows it. A group of digits only is a number. */
const PART_OF_UUID = /^(?:(?=.{0,7}\d)(?=.{0,7}[a-f])[0-9a-f]{8}|[0-9a-f]{8}-[0-9a-f-]{0,40})$/i;
const UUID_LENGTH = 36;
const LETTER = /^[\w.-]{1,249}\/\d{1,6}\/\d{1,16}$/;
const PAGE = /^page(?:\s+(?<page>.*))?$/i;
const PART_OF_DATE = /^\d{4}-\d{0,2}(-\d{0,2})?(t[\d:.z]*)?$/i;
/** A parameter of the query API, which its users know. */
const PARAMETER = /^(?<name>[a-z]\w*)\s*(?<sign>=|\[\w*\]\s*=|[<>]=?)\s*(?<value>.*)$/i;
const NUMBER_LIKE = /^[#+-]?[\d.,][\d\s.,_'’e+-]*$/i;

/**
 * Reads a search text: an id, `page N`, a number, a range of numbers or days, an account or a symbol. Empty text: the first page.
 * @param now milliseconds since 1970, for `today`
 */
export function readSearch(text: string, now: number): Search {
  const given = text.trim();
  if (given === '') return ordersOf('', { page: '1' }, 'There are no orders yet.');
  if (isUuid(given)) return { kind: 'id', id: given.toLowerCase() };
  const parameter = PARAMETER.exec(given)?.groups;
  if (parameter !== undefined) return parameterSearch(given, parameter, now);
  const otherDay = explainOtherDay(given);
  if (otherDay !== undefined) return fault(otherDay);
  if (LETTER.test(given)) return { kind: 'letter', id: given };
  const page = PAGE.exec(given)?.groups;
  if (page !== undefined) return pageSearch(page['page'] ?? '');
  const days = readDays(given, now);
  if (days !== undefined) return days;
  if (PART_OF_UUID.test(given)) return fault(notAnId(given));
  if (PART_OF_DATE.test(given) && !isRising(given))
    return fault(`${quoted(given)} is neither a day, such as 2026-01-31, nor a range of numbers, such as 500..502`);
  const numbers = readNumbers(given);
  if (numbers !== undefined) return numbers;
  if (NUMBER_LIKE.test(given)) return numberSearch(given);
  return /^acc/i.test(given) ? accountSearch(given) : symbolSearch(given);
}

/** What the search finds, by the name of the parameter in lower case. */
const BY_PARAMETER: Readonly<Record<string, (value: string, now: number) => Search>> = {
  id: (value) => (isUuid(value) ? { kind: 'id', id: value.toLowerCase() } : fault(`${quoted(value)} is not an id`)),
  page: pageSearch,
  number: (value) => readNumbers(value) ?? numberSearch(value),
  createdat: (value, now) => readDays(value, now) ?? fault(notADay(value)),
  accountid: accountSearch,
  symbol: symbolSearch,
};

function parameterSearch(given: string, parts: Readonly<Record<string, string>>, now: number): Search {
  const { name = '', sign = '', value = '' } = parts;
  const search = BY_PARAMETER[name.toLowerCase()];
  if (search === undefined)
    return fault(`The search finds id, number, createdAt, accountId, symbol and page, got ${quoted(given)}`);
  if (sign !== '=')
    return fault(`A range has two dots, such as 500..502 or 2026-01-30..2026-01-31, got ${quoted(given)}`);
  return value === '' ? fault(`${name} has no value, got ${quoted(given)}`) : search(value, now);
}

function notAnId(given: string): string {
  if (given.length === UUID_LENGTH) return `${quoted(given)} is not an id: its dashes are not where those of an id are`;
  const why = given.length < UUID_LENGTH ? 'only a part of an id' : 'too long for an id';
  return `${quoted(given)} is ${why}: an id has ${UUID_LENGTH} characters`;
}

function notADay(text: string): string {
  return explainOtherDay(text) ?? `A day has the form 2026-01-31, got ${quoted(text)}`;
}

function accountSearch(text: string): Search {
  const accountId = /^acc-\d+$/i.test(text) ? text.toLowerCase() : text;
  return ordersOf('', { accountId }, `There are no saved orders of the account ${quoted(accountId)}.`);
}

function symbolSearch(text: string): Search {
  const symbol = text.toUpperCase();
  return ordersOf('', { symbol }, `There are no saved orders with the symbol ${quoted(symbol)}.`);
}

const NUMBERS = { min: 1, max: Number.MAX_SAFE_INTEGER, isWhole: true };
/** Both ends as text; each may have separators. */
const RANGE = /^(?<from>[#\d][^.\-–]*?)\s*(?:\.\.\.?|-|–|\bto\b)\s*(?<to>[#\d].*)$/i;
const FROM = /^(?<from>[#\d][^.]*?)\s*\.\.\.?$/;
const TO = /^\.\.\.?\s*(?<to>[#\d].*)$/;

/** Reads a range of order numbers, such as `500..502`, `500..` or `..500`. Returns `undefined` for any other text. */
function readNumbers(text: string): Search | undefined {
  const range = RANGE.exec(text)?.groups;
  if (range !== undefined) return rangeSearch(range['from'] ?? '', range['to'] ?? '');
  const from = FROM.exec(text)?.groups?.['from'];
  if (from !== undefined) return endSearch('gte', from);
  const to = TO.exec(text)?.groups?.['to'];
  return to === undefined ? undefined : endSearch('lte', to);
}

function numberSearch(text: string): Search {
  return rangeSearch(text, text);
}

function pageSearch(text: string): Search {
  const page = toOrderNumber(text);
  if (page !== undefined) return ordersOf('', { page: `${page}` }, 'There are no orders on this page.');
  if (text === '') return fault('A page has a number, such as page 3');
  return fault(`A page is ${allowed(NUMBERS)}, got ${quoted(text)}`);
}

/** Returns whether a text is a range of order numbers that begins with its lower one. */
function isRising(text: string): boolean {
  const range = RANGE.exec(text)?.groups;
  const [from, to] = [toOrderNumber(range?.['from'] ?? ''), toOrderNumber(range?.['to'] ?? '')];
  return from !== undefined && to !== undefined && from <= to;
}

function rangeSearch(fromText: string, toText: string): Search {
  const [from, to] = [toOrderNumber(fromText), toOrderNumber(toText)];
  if (from === undefined) return notANumber(fromText);
  if (to === undefined) return notANumber(toText);
  if (from > to) return fault(`A range begins with its lower number: ${to}..${from}`);
  const none =
    from === to ? `No saved order has the number ${from}.` : `No saved order has a number from ${from} to ${to}.`;
  return ordersOf('/range', { from: `${from}`, to: `${to}` }, none);
}

function endSearch(end: 'gte' | 'lte', text: string): Search {
  const number = toOrderNumber(text);
  if (number === undefined) return notANumber(text);
  const none = `No saved order has a number ${end === 'gte' ? 'from' : 'up to'} ${number}.`;
  return ordersOf('', { [`number[${end}]`]: `${number}` }, none);
}

function notANumber(text: string): Search {
  return fault(`An order number is ${allowed(NUMBERS)}, got ${quoted(text)}`);
}

function toOrderNumber(text: string): number | undefined {
  const value = toNumber(text.trim().replace(/^#\s*/, ''));
  return value !== undefined && Number.isSafeInteger(value) && value >= 1 ? value : undefined;
}

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
function readDays(text: string, now: number): Search | undefined {
  const ends = text.split(BETWEEN).map((end) => namedDay(end, now));
  const [from = '', to = from] = ends;
  const areDays = ends.every((end) => end === '' || DAY.test(end));
  return areDays && ends.length <= 2 && `${from}${to}` !== '' ? daysSearch(from, to) : undefined;
}

/** Explains how to write a day that has another form, such as `31.01.2026`. Returns `undefined` for any other text. */
function explainOtherDay(text: string): string | undefined {
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
