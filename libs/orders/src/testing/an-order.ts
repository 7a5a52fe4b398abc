import { orderResponse, type OrderResponse } from '../order/order-response.js';
import type { LegacyOrder, Order } from '../order/order.js';

/** Returns the id of the order with this number. */
export function idOf(number: number): string {
  return `01935c9e-8a00-4000-8000-${String(number).padStart(12, '0')}`;
}

/** Returns a valid order: 3 ACME for 187.35 EUR. Its id follows from its number, and its amount from quantity and price. */
export function anOrder(change: Partial<Order> = {}): Order {
  const { number = 1, quantity = 3, price = 1_873_500n } = change;
  return {
    id: idOf(number),
    number,
    accountId: 'acc-1',
    side: 'buy',
    symbol: 'ACME',
    quantity,
    price,
    amount: BigInt(quantity) * price,
    currency: 'EUR',
    createdAt: new Date('2026-01-31T11:00:00.250Z'),
    ...change,
  };
}

/** Returns `anOrder` as it comes from the legacy system, with its number there. */
export function aLegacyOrder({ number = 1, ...change }: Partial<Order> = {}): LegacyOrder {
  const { number: _, ...order } = anOrder({ number, ...change });
  return { legacy: { number, filled: [] }, ...order };
}

/** Returns `anOrder` as the query API answers it. */
export function anOrderResponse(change: Partial<Order> = {}): OrderResponse {
  return orderResponse(anOrder(change));
}

/** Returns `anOrder` as the legacy system answers it, in a time zone at UTC. */
export function aLegacyRecord(change: Partial<Order> = {}) {
  const { price, amount, createdAt, legacy: _, ...plain } = anOrderResponse(change);
  return { ...plain, price: Number(price), amount: Number(amount), createdAt: createdAt.replace('Z', '') };
}

/** Returns `anOrder` as a body of `POST /v1/orders`, without an id. */
export function anIntakeOrder(change: Partial<Order> = {}) {
  const { accountId, side, symbol, quantity, price, currency } = anOrderResponse(change);
  return { accountId, side, symbol, quantity, price, currency };
}
