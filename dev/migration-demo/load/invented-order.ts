import { randomUUID } from 'node:crypto';
import type { SentOrder } from './judge.js';

const INSTRUMENTS = [
  ['ACME', 'USD', 187.35],
  ['EVEN', 'EUR', 76.42],
  ['IRIS', 'GBP', 8.89],
  ['LUMA', 'JPY', 3_245],
] as const;
const YEAR_MS = 365 * 24 * 3_600_000;
const FIRST_DAY = Date.UTC(2025, 0, 1);

/**
 * Invents an order of a client: with a price of up to four decimals, and half of the time with a local time of its own.
 * @param random returns a number from 0 up to, but not including, 1
 */
export function inventOrder(accountId: string, random: () => number): SentOrder {
  const [symbol, currency, price] = INSTRUMENTS[Math.floor(random() * INSTRUMENTS.length)] ?? INSTRUMENTS[0];
  const createdAt = new Date(FIRST_DAY + Math.floor(random() * YEAR_MS)).toISOString().slice(0, -1);
  return {
    id: randomUUID(),
    accountId,
    side: random() < 0.5 ? 'buy' : 'sell',
    symbol,
    quantity: 1 + Math.floor(random() * 10_000),
    price: Number((price * (0.9 + random() / 5)).toFixed(4)),
    currency,
    ...(random() < 0.5 && { createdAt }),
  };
}
