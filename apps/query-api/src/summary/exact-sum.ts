import type { Decimal128 } from 'mongodb';
import type { Money } from '#orders/order/money.js';

/** decimal128 has 34 digits and rounds longer values, so a sum of 34 digits may be rounded. */
const MAX_EXACT_DIGITS = 33;
const SCALE = 4;

/**
 * Converts a sum of amounts to money. A sum can have more digits than an amount.
 * @throws RangeError if the sum may be rounded, or has more than four decimal places
 */
export function exactSum(sum: Decimal128): Money {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]\d+))?$/.exec(sum.toString()) ?? [];
  const shift = SCALE + Number(exponent) - fraction.length;
  if (whole === '' || shift < 0 || whole.length + fraction.length > MAX_EXACT_DIGITS)
    throw new RangeError(`sum of amounts must have up to 33 digits and four decimal places, got ${sum.toString()}`);
  const units = BigInt(whole + fraction) * 10n ** BigInt(shift);
  return sign === '-' ? -units : units;
}
