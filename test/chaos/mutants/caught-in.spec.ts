import { describe, expect, it } from '@jest/globals';
import { aHistory, aKeyOrder, anEvidence, aReport } from '../checks/an-evidence.js';
import type { Evidence } from '../checks/evidence.js';
import type { HistoryEvent } from '../history.js';
import { caughtIn } from './caught-in.js';
import type { CaughtBy } from './mutated-product.js';

const altered = { altered: 1, alteredOrders: [{ index: 0, id: 'order-1', fields: ['amount'] }] };
const repeats = (saves: number): HistoryEvent => ({ type: 'repeats', at: 1, saves });
const LIE: HistoryEvent = {
  type: 'read',
  at: 1,
  what: 'order',
  path: '/v1/orders/1',
  outcome: 'lie',
  reason: 'gone',
  tookMs: 1,
};
const anomalies: Partial<Evidence> = {
  attempts: {
    ...anEvidence().attempts,
    anomalies: 1,
    first: [{ promise: 'P4', text: 'P4: later', time: 1, events: [] }],
  },
};

describe('a mutant is caught', () => {
  it.each<[CaughtBy, string, Partial<Evidence>, string | undefined]>([
    [
      'equation',
      'lost and altered orders',
      { reports: [aReport({ missing: 1 }), aReport({ missing: 2, ...altered })] },
      '3 missing, 1 altered (amount of order-1) of 2000',
    ],
    ['equation', 'not by pending orders', { reports: [aReport({ verdict: 'pending', pending: 50 })] }, undefined],
    ['order', 'not by lost orders', { reports: [aReport({ missing: 1 })] }, undefined],
    ['order', 'orders of an account out of order', { order: aKeyOrder(2, 1) }, '1 out of order'],
    ['repeats', 'not by as many repeats as kills alone cause', { history: aHistory([repeats(100)]) }, undefined],
    ['repeats', 'more repeated saves', { history: aHistory([repeats(101)]) }, '101 repeated of 1000'],
    ['reads', 'not by right reads', {}, undefined],
    ['reads', 'a wrong answer', { history: aHistory([LIE], 1) }, '1 wrong answers (/v1/orders/1: gone)'],
    ['attempts', 'not by attempts without an anomaly', {}, undefined],
    ['attempts', 'attempts that break a promise', anomalies, '1 anomalies in 1100 attempts (P4: later)'],
  ])('by %s: %s', (by, _, change, caught) => {
    expect(caughtIn(anEvidence(change), by)).toBe(caught);
  });
});
