import { z } from 'zod';
import { SIDES } from '#orders/order/order.js';

/** The rule of all filters below: how a text is spelled does not decide whether orders are found. */
const ANY_CASE = 'Upper and lower case, and spaces around it, make no difference';
const UNLESS_EXACT = 'unless orders have exactly the given text: then only these are found';

/** Parses a text that an order can contain: 1 to `maxLength` characters, no control characters and no lone surrogates. */
function text(maxLength: number) {
  const length = `must have 1 to ${maxLength} characters`;
  return z
    .string()
    .min(1, length)
    .max(maxLength, length)
    .refine((value) => value.isWellFormed() && !/\p{Cc}/u.test(value), 'must not contain control characters');
}

/** Orders of an account. `KnownSpellings` finds its spelling. */
export const accountFilter = text(64)
  .optional()
  .describe(`Orders of this account, such as acc-0004711. Spaces around it make no difference, ${UNLESS_EXACT}.`);

/** Orders of a symbol. `KnownSpellings` finds its spelling. */
export const symbolFilter = text(32)
  .optional()
  .describe(`Orders of this symbol, such as ACME. ${ANY_CASE}, ${UNLESS_EXACT}.`);

/** Orders of a currency. */
export const currencyFilter = z
  .string()
  .trim()
  .toUpperCase()
  .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as EUR')
  .optional()
  .describe(`Orders of this currency, such as USD. ${ANY_CASE}.`);

/** Orders of a side. */
export const sideFilter = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(z.enum(SIDES))
  .optional()
  .meta({ enum: [...SIDES], description: `Orders of this side. ${ANY_CASE}.` });
