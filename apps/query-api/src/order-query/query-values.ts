import { z } from 'zod';
import { MAX_AMOUNT, parseMoney, type Money } from '#orders/money.js';

const GIVEN_ONCE = 'must be given once';

/** A whole number in a query: digits only, so that `1e3`, `0x10`, `-0` and ` 1` are no numbers. */
export function integer(minimum: number, maximum: number) {
  return z
    .string({ error: GIVEN_ONCE })
    .regex(/^\d{1,16}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `must be from ${minimum} to ${maximum}`)
    .meta({ type: 'integer', minimum, maximum });
}

/** A text that can stand in an order: no control characters, no half surrogate pairs, not longer than the longest. */
export function text(maxLength: number) {
  return z
    .string({ error: GIVEN_ONCE })
    .min(1)
    .max(maxLength)
    .refine((value) => value.isWellFormed() && !/\p{Cc}/u.test(value), 'must not hold control characters');
}

export const orderNumber = integer(1, Number.MAX_SAFE_INTEGER);

/** With a zone, so that it means the same everywhere, and no finer than a millisecond, which is all that is kept. */
export const instant = z.iso
  .datetime({
    offset: true,
    error: (issue) =>
      typeof issue.input === 'string'
        ? 'must be a date and time with a zone, such as 2026-01-31T12:00:00Z'
        : GIVEN_ONCE,
  })
  .refine((value) => !/\.\d{4}/.test(value), 'must not be finer than a millisecond')
  .transform((value) => new Date(value))
  .refine((value) => !Number.isNaN(value.getTime()), 'is no date');

export const money = z
  .string({ error: GIVEN_ONCE })
  .regex(/^\d{1,18}(\.\d{1,4})?$/, 'must be a plain decimal with up to four decimals, such as 12.50')
  .transform((value): Money => parseMoney(value))
  .refine((value) => value <= MAX_AMOUNT, 'must not have more than 18 digits before the point');
