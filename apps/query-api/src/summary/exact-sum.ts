import type { Decimal128 } from 'mongodb';
import type { Money } from '#orders/money.js';

/** decimal128 has 34 digits, and what has more is rounded: a sum that fills them all may have been. */
const SURELY_EXACT = 33;
const SCALE = 4;

/**
 * A sum of amounts as money. It can have more digits than any amount has.
 * @throws RangeError when it may have been rounded, or has more than four decimals
 */
export function exactSum(sum: Decimal128): Money {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]\d+))?$/.exec(sum.toString()) ?? [];
  const shift = SCALE + Number(exponent) - fraction.length;
  if (whole === '' || shift < 0 || whole.length + fraction.length > SURELY_EXACT)
    throw new RangeError(`${sum.toString()} is no exact sum of amounts`);
  const units = BigInt(whole + fraction) * 10n ** BigInt(shift);
  return sign === '-' ? -units : units;
}
