import type { LegacyOrder } from '#orders/order/order.js';
import type { Intent } from '../intents/intent.js';

/** Returns an order with a number; its id ends in the number. */
export function orderWith(number: number, accountId = 'acc-1'): LegacyOrder {
  return {
    id: `01935c9e-8a00-4000-8000-${String(number).padStart(12, '0')}`,
    accountId,
    side: 'buy',
    symbol: 'ACME',
    quantity: 3,
    price: 1_873_500n,
    amount: 5_620_500n,
    currency: 'EUR',
    createdAt: new Date('2026-01-31T11:00:00.250Z'),
    legacy: { number, filled: [] },
  };
}

/** Returns an intent of `dualwrite` whose `seq` is its number. */
export function intentWith(number: number, change: Partial<Intent> = {}): Intent {
  return {
    seq: number,
    epoch: 1,
    order: orderWith(number),
    isIdGiven: false,
    isNumberGiven: false,
    answering: 'legacy',
    legacy: 'open',
    new: 'open',
    admittedAt: new Date(0),
    instance: 'a',
    attempts: 0,
    lastError: null,
    ...change,
  };
}
