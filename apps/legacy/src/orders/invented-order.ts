import { completeOrder, rounded, type LegacyOrder } from './order-request.js';

const SYMBOLS = [
  ['ACME', 'USD', 187.35],
  ['EVEN', 'EUR', 76.42],
  ['IRIS', 'GBP', 8.89],
  ['LUMA', 'JPY', 3_245],
] as const;
const ACCOUNTS = 10_000;

/**
 * Invents an order for `POST /populate`.
 * @param random returns a number from 0 up to, but not including, 1
 */
export function inventOrder(
  assigned: Pick<LegacyOrder, 'id' | 'number' | 'createdAt'>,
  random: () => number,
): LegacyOrder {
  const below = (end: number): number => Math.floor(random() * end);
  const [symbol, currency, price] = SYMBOLS[below(SYMBOLS.length)] ?? SYMBOLS[0];
  const content = {
    accountId: `acc-${String(below(ACCOUNTS)).padStart(7, '0')}`,
    side: random() < 0.5 ? ('buy' as const) : ('sell' as const),
    symbol,
    quantity: 1 + below(10_000),
    price: rounded(price * (0.9 + random() / 5)),
    currency,
  };
  return completeOrder(content, assigned);
}
