import { z } from 'zod';

/** Maximum lengths, in UTF-16 code units. */
export const MAX_ACCOUNT_ID_LENGTH = 64;
export const MAX_SYMBOL_LENGTH = 32;

/** What the rules below allow, as predicates of the field's name. */
export const CURRENCY_RULE = 'must be an ISO 4217 code such as "EUR"';
export const PRICE_RANGE_RULE = 'must have at most 14 digits before the point';
export const TIME_RULE =
  'must be a date and time with a zone and at most milliseconds, 1970 to 9999: 2026-01-31T12:00:00.000Z';
export const UUID_RULE = 'must be a UUID of 36 characters';

export function textRule(longest: number): string {
  return `must be 1 to ${longest} characters, without control characters`;
}

/** Whether every client returns a text unchanged: it is well-formed and has no control characters. */
export function isPlainText(text: string, longest: number): boolean {
  return text.length >= 1 && text.length <= longest && text.isWellFormed() && !/\p{Cc}/u.test(text);
}

export function isCurrencyCode(text: string): boolean {
  return /^[A-Z]{3}$/.test(text);
}

const DATE_TIME = z.regexes.datetime({ offset: true });

/** Whether an instant has four digits of the year in UTC, and is not before 1970. */
export function isKnownYear(instant: Date): boolean {
  return instant.getTime() >= 0 && instant.getUTCFullYear() <= 9999;
}

/** Parses a date and time with a zone. A finer resolution than milliseconds would be truncated: `undefined`, as for anything else. */
export function parseExactTime(text: string): Date | undefined {
  if (!DATE_TIME.test(text) || /\.\d{4}/.test(text)) return undefined;
  const instant = new Date(text);
  return isKnownYear(instant) ? instant : undefined;
}
