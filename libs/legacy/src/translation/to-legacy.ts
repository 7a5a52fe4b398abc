import { formatMoney, type Money } from '#orders/order/money.js';
import type { Order } from '#orders/order/order.js';
import * as field from '../row/legacy-fields.js';
import { isExactAsFloat, nearestFloat } from './json-float.js';
import type { LegacyRecord } from './legacy-record.js';
import type { LegacyTimeZone } from './legacy-time-zone.js';
import { translate, type TranslationReason } from './translation-reason.js';

/** An order of the new side. Its number there doesn't matter: the legacy system has `legacy.number`. */
export type NewOrder = Omit<Order, 'number'>;

/**
 * Translates an order for the legacy system. Whatever is accepted, `fromLegacy` translates back to the same order.
 * Rejected: an amount that no float holds exactly, an instant whose local time is ambiguous, an order without a legacy number, and
 * an order with fields that an import has filled.
 */
export function toLegacy(
  order: NewOrder,
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
export function legacyView(order: NewOrder, zone: LegacyTimeZone): Partial<LegacyRecord> | null {
  if (order.legacy === undefined) return null;
  const record = legacyRecord(order, order.legacy.number, zone);
  if (order.legacy.filled.length === 0) return record;
  const filled = new Set(order.legacy.filled);
  return Object.fromEntries(Object.entries(record).filter(([name]) => !filled.has(name)));
}

function legacyRecord(order: NewOrder, number: number, zone: LegacyTimeZone): LegacyRecord {
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

function legacyNumber({ legacy }: NewOrder): number {
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

function shownFields({ price, amount, createdAt, ...order }: NewOrder): Record<string, unknown> {
  return { ...order, price: formatMoney(price), amount: formatMoney(amount), createdAt: createdAt.toISOString() };
}
