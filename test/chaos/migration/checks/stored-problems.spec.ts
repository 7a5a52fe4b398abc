import { describe, expect, it } from '@jest/globals';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import type { WrittenOrder } from '../clients/written-orders.js';
import { storedOf } from './legacy-files.js';
import { storedProblems, type StoredEvidence } from './stored-problems.js';
import type { StoredOrder } from './stored-order.js';

const OFFSET = '+05:30';
const record = (serial: number): LegacyRecord => ({
  id: `id-${serial}`,
  number: 100 + serial,
  accountId: 'client-1',
  side: 'buy',
  symbol: 'CHAOS',
  quantity: serial,
  price: 1.5,
  amount: 1.5 * serial,
  currency: 'EUR',
  createdAt: '2026-01-01T05:30:00.000',
});
const written = (serial: number, at: number | undefined = 10): WrittenOrder => ({
  accountId: 'client-1',
  serial,
  id: `id-${serial}`,
  begunAt: at,
  acked: { record: record(serial), at },
});
const unanswered = ({ acked: _acked, ...order }: WrittenOrder): WrittenOrder => order;
const order = (serial: number, more: Partial<StoredOrder> = {}): StoredOrder => ({
  ...storedOf(record(serial), OFFSET),
  ...more,
});

function problems(more: Partial<StoredEvidence>): string[] {
  const both = { legacy: [order(1), order(2)], new: [order(1), order(2)] };
  const known = { written: [written(1), written(2)], newOnlyFrom: Infinity, isCopied: true, offset: OFFSET };
  return storedProblems({ ...known, ...both, ...more });
}

describe('what both sides have', () => {
  it('reads the local times of the legacy system', () => {
    expect(order(1).content).toBe('buy CHAOS 1.5000 1.5000 EUR 2026-01-01T00:00:00.000Z');
  });

  it('is right if both have what was acknowledged', () => {
    expect(problems({})).toEqual([]);
    expect(problems({ legacy: [order(1)], written: [written(1), written(2, 90)], newOnlyFrom: 50 })).toEqual([]);
    expect(problems({ new: [order(1)], isCopied: false })).toEqual([]);
  });

  it.each<[string, Partial<StoredEvidence>, string]>([
    ['lost on the legacy system', { legacy: [order(1)] }, 'legacy: the acknowledged write 2'],
    ['lost on the new side', { new: [order(2)] }, 'new: the acknowledged write 1'],
    ['stored under another number', { new: [order(1), order(2, { number: 7 })] }, 'is 7 id-2'],
    ['stored with another content', { legacy: [order(1), order(2, { content: 'x' })] }, 'instead of 102'],
    [
      'stored twice',
      { new: [order(1), order(2), order(2, { id: 'other', number: 9 })] },
      'write 2 of client-1 is there',
    ],
    ['a number given twice', { legacy: [order(1), order(2, { number: 101 })] }, 'number 101 is there twice'],
    ['never written', { legacy: [order(1), order(2), order(9)] }, 'was never written'],
    [
      'without an outcome, and on one side only',
      { written: [written(1), unanswered(written(2))], new: [order(1)] },
      'of the legacy system is missing',
    ],
    [
      'without an outcome, and on the new side only',
      { written: [written(1), unanswered(written(2))], legacy: [order(1)] },
      'of the new side is missing',
    ],
  ])('is wrong if an order is %s', (_, more, problem) => {
    expect(problems(more).join('\n')).toContain(problem);
  });
});
