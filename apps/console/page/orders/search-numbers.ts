import { allowed, quoted, toNumber } from '../forms/number-text.js';
import { fault, ordersOf, type Search } from './search.js';

const NUMBERS = { min: 1, max: Number.MAX_SAFE_INTEGER, isWhole: true };
/** Both ends as text; each may have separators. */
const RANGE = /^(?<from>[#\d][^.\-–]*?)\s*(?:\.\.\.?|-|–|\bto\b)\s*(?<to>[#\d].*)$/i;
const FROM = /^(?<from>[#\d][^.]*?)\s*\.\.\.?$/;
const TO = /^\.\.\.?\s*(?<to>[#\d].*)$/;

/** Reads a range of order numbers, such as `500..502`, `500..` or `..500`. Returns `undefined` for any other text. */
export function readNumbers(text: string): Search | undefined {
  const range = RANGE.exec(text)?.groups;
  if (range !== undefined) return rangeSearch(range['from'] ?? '', range['to'] ?? '');
  const from = FROM.exec(text)?.groups?.['from'];
  if (from !== undefined) return endSearch('gte', from);
  const to = TO.exec(text)?.groups?.['to'];
  return to === undefined ? undefined : endSearch('lte', to);
}

export function numberSearch(text: string): Search {
  return rangeSearch(text, text);
}

export function pageSearch(text: string): Search {
  const page = toOrderNumber(text);
  if (page !== undefined) return ordersOf('', { page: `${page}` }, 'There are no orders on this page.');
  if (text === '') return fault('A page has a number, such as page 3');
  return fault(`A page is ${allowed(NUMBERS)}, got ${quoted(text)}`);
}

/** Returns whether a text is a range of order numbers that begins with its lower one. */
export function isRising(text: string): boolean {
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
