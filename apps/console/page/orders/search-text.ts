import { quoted } from '../forms/number-text.js';
import { isUuid } from '../text/uuid.js';
import { explainOtherDay, readDays } from './search-days.js';
import { fault, ordersOf, type Search } from './search.js';
import { isRising, numberSearch, pageSearch, readNumbers } from './search-numbers.js';

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
