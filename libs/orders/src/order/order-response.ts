import { z } from 'zod';
import { formatMoney } from './money.js';
import type { Order } from './order.js';

const decimal = z.string().regex(/^\d+\.\d{4}$/);

/** An order that was not imported. */
const EXAMPLE = {
  id: '970844c7-0d33-82a3-ba87-000000001266',
  number: 4_711,
  accountId: 'acc-0004711',
  side: 'buy',
  symbol: 'ACME',
  quantity: 100,
  price: '187.3500',
  amount: '18735.0000',
  currency: 'USD',
  createdAt: '2026-01-31T12:00:00.000Z',
};

/** An order in API responses: money as plain strings with four decimals, never as floats. */
export const OrderResponseSchema = z
  .object({
    id: z.uuid(),
    number: z.int().min(1),
    accountId: z.string(),
    side: z.enum(['buy', 'sell']),
    symbol: z.string(),
    quantity: z.int().min(1).max(10_000),
    price: decimal,
    amount: decimal.describe('Exactly quantity x price.'),
    currency: z.string(),
    createdAt: z.iso.datetime(),
    legacy: z
      .object({ number: z.int(), filled: z.array(z.string()).describe('The fields that the import filled in.') })
      .meta({ title: 'LegacyOrder' })
      .optional()
      .describe('Only for orders from the legacy system.'),
  })
  .meta({ title: 'Order', examples: [EXAMPLE] });

export type OrderResponse = z.infer<typeof OrderResponseSchema>;

export function orderResponse(order: Order): OrderResponse {
  const { price, amount, createdAt, legacy, ...plain } = order;
  return {
    ...plain,
    price: formatMoney(price),
    amount: formatMoney(amount),
    createdAt: createdAt.toISOString(),
    ...(legacy && { legacy: { number: legacy.number, filled: [...legacy.filled] } }),
  };
}
