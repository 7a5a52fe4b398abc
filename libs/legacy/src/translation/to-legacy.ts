import { formatMoney, parseMoney, type Money } from '#orders/order/money.js';
import type { Side, Order } from '#orders/order/order.js';
import * as field from '../row/legacy-fields.js';
import type { LegacyTimeZone } from './legacy-time-zone.js';
import { translate, type TranslationReason } from './translation-reason.js';

const UNITS_PER_ONE = 10_000;
/** Up to this many ten-thousandths (900,719,925,474.0991), a division of integers gives the nearest float. */
const DIVISIBLE = BigInt(Number.MAX_SAFE_INTEGER);
/** Below 2^39 (549,755,813,888), floats are closer to each other than a ten-thousandth: amounts are exact without a closer check. */
const ALWAYS_EXACT = 2n ** 39n * BigInt(UNITS_PER_ONE);

/** Returns the float that is nearest to an amount: how the legacy system stores it, exact or not. */
function nearestFloat(money: Money): number {
  return money <= DIVISIBLE ? Number(money) / UNITS_PER_ONE : Number(formatMoney(money));
}

/** Returns whether an amount above zero survives as a JSON float: written and parsed again, it has the same four decimals. */
export function isExactAsFloat(money: Money): boolean {
  return money <= ALWAYS_EXACT || parseMoney(String(nearestFloat(money))) === money;
}

/** An order as the legacy system stores and answers it, in the order of its fields. */
export interface LegacyRecord {
  /** Any text for the legacy system; a UUID in lower case if it can be translated. */
  readonly id: string;
  readonly number: number;
  readonly accountId: string;
  readonly side: Side;
  readonly symbol: string;
  readonly quantity: number;
  /** A float. */
  readonly price: number;
  /** A float. */
  readonly amount: number;
  readonly currency: string;
  /** A local timestamp without a zone, such as `2026-01-31T12:00:00.000`. */
  readonly createdAt: string;
}

/** An order of the target. Its number there doesn't matter: the legacy system has `legacy.number`. */
export type TargetOrder = Omit<Order, 'number'>;

/**
 * Translates an order for the legacy system. Whatever is accepted, `fromLegacy` translates back to the same order.
 * Rejected: an amount that no float holds exactly, an instant whose local time is ambiguous, an order without a legacy number, and
 * an order with fields that an import has filled.
 */
export function toLegacy(
  order: TargetOrder,
  zone: LegacyTimeZone,
): { readonly record: LegacyRecord } | { readonly reason: TranslationReason } {
  return translate(
    () => shownFields(order),
    () => {
      const number = legacyNumber(order);
      const [filled] = order.legacy?.filled ?? [];
      if (filled !== undefined)
        throw new field.FieldRefusal(
          'filled-field',
          filled,
          'must come from the legacy system, not from an import that filled it',
        );
      field.plainText({ accountId: order.accountId }, 'accountId', 64);
      field.plainText({ symbol: order.symbol }, 'symbol', 32);
      requireExact('price', order.price);
      requireExact('amount', order.amount);
      requireUnambiguous(field.knownYear(order.createdAt), zone);
      return { record: legacyRecord(order, number, zone) };
    },
  );
}

/**
 * Returns what the legacy system would have answered for an order: `null` if it doesn't know it, and without the fields that an
 * import has filled. Unlike `toLegacy` it always has a result, to be compared with the legacy system's own answer (`comparable`):
 * an amount is the nearest float, and an instant has a local time even if that is ambiguous.
 */
export function legacyView(order: TargetOrder, zone: LegacyTimeZone): Partial<LegacyRecord> | null {
  if (order.legacy === undefined) return null;
  const record = legacyRecord(order, order.legacy.number, zone);
  if (order.legacy.filled.length === 0) return record;
  const filled = new Set(order.legacy.filled);
  return Object.fromEntries(Object.entries(record).filter(([name]) => !filled.has(name)));
}

function legacyRecord(order: TargetOrder, number: number, zone: LegacyTimeZone): LegacyRecord {
  return {
    id: order.id,
    number,
    accountId: order.accountId,
    side: order.side,
    symbol: order.symbol,
    quantity: order.quantity,
    price: nearestFloat(order.price),
    amount: nearestFloat(order.amount),
    currency: order.currency,
    createdAt: zone.toLocal(order.createdAt),
  };
}

function legacyNumber({ legacy }: TargetOrder): number {
  if (legacy === undefined)
    throw new field.FieldRefusal(
      'missing-field',
      'legacy.number',
      'is required: the legacy system stores orders by it',
    );
  if (Number.isSafeInteger(legacy.number) && legacy.number >= 1) return legacy.number;
  throw new field.FieldRefusal('out-of-range', 'legacy.number', 'must be from 1 to 2^53 - 1');
}

function requireExact(name: 'price' | 'amount', money: Money): void {
  if (isExactAsFloat(money)) return;
  throw new field.FieldRefusal('not-exact-as-float', name, 'must be a decimal that a float holds exactly');
}

function requireUnambiguous(createdAt: Date, zone: LegacyTimeZone): void {
  const back = zone.toInstant(zone.toLocal(createdAt));
  if (back instanceof Date) return;
  const detail = 'must have a local time in LEGACY_TIME_ZONE that is no other instant, and a year of four digits';
  throw new field.FieldRefusal(back, 'createdAt', detail);
}

function shownFields({ price, amount, createdAt, ...order }: TargetOrder): Record<string, unknown> {
  return { ...order, price: formatMoney(price), amount: formatMoney(amount), createdAt: createdAt.toISOString() };
}
