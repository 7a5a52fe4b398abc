import { z } from 'zod';
import { MAX_AMOUNT, parseMoney, type Money } from '#orders/order/money.js';
import { queryInteger } from '#service/http/input-numbers.js';
import { explainMoment, parseMoment } from '#service/http/moments.js';

/** Parses a text that an order can contain: 1 to `maxLength` characters, no control characters and no lone surrogates. */
export function text(maxLength: number) {
  const length = `must have 1 to ${maxLength} characters`;
  return z
    .string()
    .min(1, length)
    .max(maxLength, length)
    .refine((value) => value.isWellFormed() && !/\p{Cc}/u.test(value), 'must not contain control characters');
}

export const orderNumber = queryInteger(1, Number.MAX_SAFE_INTEGER);

/**
 * Parses one end of a range of `createdAt`: a date, which is a whole day in UTC, or a date and time with a time zone.
 * @param ofDay the first millisecond of the day that a date becomes, or its last one
 */
export function instant(ofDay: 'first' | 'last') {
  return z
    .string()
    .transform((value, context) => {
      const moment = parseMoment(value, ofDay);
      if (moment !== undefined) return moment;
      context.addIssue({ code: 'custom', message: explainMoment(value) });
      return z.NEVER;
    })
    .meta({ type: 'string' });
}

export const money = z
  .string()
  .regex(/^\d{1,18}(\.\d{1,4})?$/, 'must be a decimal with up to four decimal places, such as 12.50')
  .transform((value): Money => parseMoney(value))
  .refine((value) => value <= MAX_AMOUNT, 'must not have more than 18 digits before the decimal point');
