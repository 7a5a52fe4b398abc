import type { LegacyRead } from '../../sides/legacy-read.js';
import type { WholeAnswer } from '../../sides/side-connection.js';
import type { ComparisonJob } from '../comparison-queue.js';

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

/** The read that asks for it. */
export const READ: LegacyRead = { capability: 'read-by-id', id: ID };

/** Returns an answer with this body. */
export function given(text: string, status = 200): WholeAnswer {
  return { status, contentType: 'application/json', bytes: Uint8Array.from(Buffer.from(text)) };
}

/** Returns the comparison of a read that the legacy system has answered with this body. */
export function jobWith(legacy: string, status = 200): ComparisonJob {
  const answered = { side: 'legacy', answer: given(legacy, status) } as const;
  return { capability: 'read-by-id', version: 3, key: ID, read: READ, answered };
}
