/** The id of `ORDER`. */
export const ID = '970844c7-0d33-42a3-ba87-000000001266';

/** An order as the legacy system answers it. */
export const ORDER = {
  id: ID,
  number: 7,
  accountId: 'acc-1',
  side: 'buy',
  symbol: 'ACME',
  quantity: 3,
  price: 187.35,
  amount: 562.05,
  currency: 'EUR',
  createdAt: '2026-01-31T12:00:00.000',
};

/** The same order as the query API answers it, if the time zone is UTC. */
export const RESPONSE = {
  ...ORDER,
  number: 1,
  price: '187.3500',
  amount: '562.0500',
  createdAt: '2026-01-31T12:00:00.000Z',
  legacy: { number: 7, filled: [] },
};
