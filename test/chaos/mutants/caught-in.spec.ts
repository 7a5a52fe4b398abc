import { describe, expect, it } from '@jest/globals';
import type { ReconcileReport } from '#reconcile/report.js';
import type { Evidence } from '../checks/evidence.js';
import { KeyOrder } from '../checks/key-order.js';
import { caughtIn } from './caught-in.js';

const report = (changed: Partial<ReconcileReport>): ReconcileReport =>
  ({
    alteredOrders: [],
    acked: 100,
    missing: 0,
    doubled: 0,
    altered: 0,
    phantom: 0,
    pending: 0,
    ...changed,
  }) as ReconcileReport;
const order = new KeyOrder(() => 'all');
const historyWith = (saves: number, lie = 0): Evidence['history'] => {
  const events = [
    { type: 'repeats', at: 1, saves },
    { type: 'read', outcome: 'lie', path: '/v1/orders/1', reason: 'gone' },
  ];
  return {
    reads: { lie },
    of: (type: string) => events.filter((event) => event.type === type),
  } as unknown as Evidence['history'];
};
const history = historyWith(0);

describe('a mutant', () => {
  it('is caught by lost or altered orders', () => {
    const altered = { altered: 1, alteredOrders: [{ index: 0, id: 'order-1', fields: ['amount'] }] };
    const reports = [report({ missing: 1 }), report({ missing: 2, ...altered })];
    expect(caughtIn({ reports, order, history }, 'equation')).toBe('3 missing, 1 altered (amount of order-1) of 200');
  });

  it('is not caught by pending orders, nor by a check of another property', () => {
    expect(
      caughtIn({ reports: [report({ verdict: 'pending', pending: 50 })], order, history }, 'equation'),
    ).toBeUndefined();
    expect(caughtIn({ reports: [report({ missing: 1 })], order, history }, 'order')).toBeUndefined();
  });

  it('is caught by more repeated saves than kills alone cause', () => {
    expect(caughtIn({ reports: [report({})], order, history: historyWith(10) }, 'repeats')).toBeUndefined();
    expect(caughtIn({ reports: [report({})], order, history: historyWith(11) }, 'repeats')).toBe('11 repeated of 100');
  });

  it('is caught by a wrong answer to a read', () => {
    expect(caughtIn({ reports: [report({})], order, history }, 'reads')).toBeUndefined();
    expect(caughtIn({ reports: [report({})], order, history: historyWith(0, 1) }, 'reads')).toBe(
      '1 wrong answers (/v1/orders/1: gone)',
    );
  });

  it('is caught by orders of an account that are out of order', () => {
    const broken = new KeyOrder(() => 'all');
    for (const offset of [2, 1])
      broken.note({ number: offset, accountId: 'a', operationId: 'op-1', partition: 0, offset });
    expect(caughtIn({ reports: [report({})], order: broken, history }, 'order')).toBe('1 out of order');
  });

  it('is caught by attempts that break the promises of the engine', () => {
    const attempts = { attempts: 9, anomalies: 1, first: [{ text: 'P4: later' }] } as unknown as Evidence['attempts'];
    const found = { reports: [report({})], order, history };
    expect(caughtIn(found, 'attempts')).toBeUndefined();
    expect(caughtIn({ ...found, attempts: { ...attempts, anomalies: 0 } }, 'attempts')).toBeUndefined();
    expect(caughtIn({ ...found, attempts }, 'attempts')).toBe('1 anomalies in 9 attempts (P4: later)');
  });
});
