import { z } from 'zod';
import { parseMoney, type Money } from '#orders/order/money.js';
import { queryInteger } from '#service/http/input-numbers.js';
import { explainMoment, parseMoment } from '#service/http/moments.js';

export const orderNumber = queryInteger(1, Number.MAX_SAFE_INTEGER);

/** An end of a range of order numbers. 0 is allowed: the watermark is 0 before the first order. */
export const numberEnd = queryInteger(0, Number.MAX_SAFE_INTEGER);

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
  .regex(
    /^\d{1,18}(\.\d{1,4})?$/,
    'must be a decimal of up to 18 digits before the point, and up to four after it, such as 12.50',
  )
  .transform((value): Money => parseMoney(value));
