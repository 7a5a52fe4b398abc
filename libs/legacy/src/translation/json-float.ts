import { formatMoney, parseMoney, type Money } from '#orders/order/money.js';

/** Amounts of up to this many ten-thousandths (900,719,925,474.0991) are exact as a float, without a closer check. */
const ALWAYS_EXACT = BigInt(Number.MAX_SAFE_INTEGER);
const UNITS_PER_ONE = 10_000;

/** Returns the float that is nearest to an amount: how the legacy system stores it, exact or not. */
export function nearestFloat(money: Money): number {
  return money <= ALWAYS_EXACT ? Number(money) / UNITS_PER_ONE : Number(formatMoney(money));
}

/** Returns whether an amount above zero survives as a JSON float: written and parsed again, it has the same four decimals. */
export function isExactAsFloat(money: Money): boolean {
  return money <= ALWAYS_EXACT || parseMoney(String(nearestFloat(money))) === money;
}
