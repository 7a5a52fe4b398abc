import { z } from 'zod';
import { MAX_AMOUNT, parseMoney, type Money } from '#orders/order/money.js';

const GIVEN_ONCE = 'must be given once';

/** Parses an integer in a query. Only digits are allowed, so `1e3`, `0x10`, `-0` and ` 1` are rejected. */
export function integer(minimum: number, maximum: number) {
  return z
    .string({ error: GIVEN_ONCE })
    .regex(/^\d{1,16}$/, 'must be an integer, in digits only')
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `must be from ${minimum} to ${maximum}`)
    .meta({ type: 'integer', minimum, maximum });
}

/** Parses a text that an order can contain: 1 to `maxLength` characters, no control characters and no lone surrogates. */
export function text(maxLength: number) {
  return z
    .string({ error: GIVEN_ONCE })
    .min(1)
    .max(maxLength)
    .refine((value) => value.isWellFormed() && !/\p{Cc}/u.test(value), 'must not contain control characters');
}

export const orderNumber = integer(1, Number.MAX_SAFE_INTEGER);

/** Parses a date and time. A time zone is required; fractions of a millisecond are rejected, because MongoDB does not store them. */
export const instant = z.iso
  .datetime({
    offset: true,
    error: (issue) =>
      typeof issue.input === 'string'
        ? 'must be a date and time with a time zone, such as 2026-01-31T12:00:00Z'
        : GIVEN_ONCE,
  })
  .refine((value) => !/\.\d{4}/.test(value), 'must not have fractions of a millisecond')
  .transform((value) => new Date(value))
  .refine((value) => !Number.isNaN(value.getTime()), 'must be a valid date');

export const money = z
  .string({ error: GIVEN_ONCE })
  .regex(/^\d{1,18}(\.\d{1,4})?$/, 'must be a decimal with up to four decimal places, such as 12.50')
  .transform((value): Money => parseMoney(value))
  .refine((value) => value <= MAX_AMOUNT, 'must not have more than 18 digits before the decimal point');
