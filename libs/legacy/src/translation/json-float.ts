import { formatMoney, parseMoney, type Money } from '#orders/order/money.js';

const UNITS_PER_ONE = 10_000;
/** Up to this many ten-thousandths (900,719,925,474.0991), a division of integers gives the nearest float. */
const DIVISIBLE = BigInt(Number.MAX_SAFE_INTEGER);
/** Below 2^39 (549,755,813,888), floats are closer to each other than a ten-thousandth: amounts are exact without a closer check. */
const ALWAYS_EXACT = 2n ** 39n * BigInt(UNITS_PER_ONE);

/** Returns the float that is nearest to an amount: how the legacy system stores it, exact or not. */
export function nearestFloat(money: Money): number {
  return money <= DIVISIBLE ? Number(money) / UNITS_PER_ONE : Number(formatMoney(money));
}

/** Returns whether an amount above zero survives as a JSON float: written and parsed again, it has the same four decimals. */
export function isExactAsFloat(money: Money): boolean {
  return money <= ALWAYS_EXACT || parseMoney(String(nearestFloat(money))) === money;
}
