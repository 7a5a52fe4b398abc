import { describe, expect, it } from '@jest/globals';
import { BSON } from 'mongodb';
import { OrdersQuerySchema } from '../paging/page-request.js';
import { filterOf, indexInterval, type StartAfter } from './index-interval.js';
import { parseOrderQuery } from './order-query-parameters.js';

const MIN = { $minKey: 1 };
const MAX = { $maxKey: 1 };
const noon = { $date: '2026-01-31T12:00:00Z' };

function parsed(query: object) {
  return parseOrderQuery(OrdersQuerySchema.parse(query));
}

function interval(query: object, startAfter?: StartAfter): unknown {
  return JSON.parse(BSON.EJSON.stringify(indexInterval(parsed(query), startAfter) ?? null));
}

function filter(query: object): unknown {
  return JSON.parse(BSON.EJSON.stringify(filterOf(parsed(query))));
}

describe('the index interval of an order query', () => {
  it('is the whole index without bounds', () => {
    expect(interval({})).toEqual({ index: 'number', min: { number: MIN }, max: { number: MAX } });
    expect(interval({ sort: '-amount' })).toEqual({
      index: 'amount_number',
      min: { amount: MIN, number: MIN },
      max: { amount: MAX, number: MAX },
    });
    expect(interval({ symbol: 'ACME' })).toEqual({
      index: 'symbol_createdAt_number',
      min: { symbol: 'ACME', createdAt: MIN, number: MIN },
      max: { symbol: 'ACME', createdAt: MAX, number: MAX },
    });
  });

  it('includes or excludes the ends of a range', () => {
    expect(interval({ number: { gte: '5', lte: '9' } })).toMatchObject({ min: { number: 5 }, max: { number: 10 } });
    expect(interval({ number: { gt: '5', lt: '9' } })).toMatchObject({ min: { number: 6 }, max: { number: 9 } });
    const [from, to] = ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z'];
    expect(interval({ createdAt: { gte: from, lte: to } })).toMatchObject({
      min: { createdAt: noon, number: MIN },
      max: { createdAt: noon, number: MAX },
    });
    expect(interval({ amount: { gt: '1.5' } })).toMatchObject({
      min: { amount: { $numberDecimal: '1.5000' }, number: MAX },
    });
    expect(interval({ amount: { lt: '1.5' } })).toMatchObject({
      max: { amount: { $numberDecimal: '1.5000' }, number: MIN },
    });
  });

  it('continues after an order, ascending or descending', () => {
    const at = { value: new Date('2026-01-31T12:00:00Z'), number: 7 };
    expect(interval({ accountId: 'a' }, { position: at, direction: 1 })).toMatchObject({
      min: { accountId: 'a', createdAt: noon, number: 8 },
      max: { accountId: 'a', createdAt: MAX, number: MAX },
    });
    expect(interval({ accountId: 'a' }, { position: at, direction: -1 })).toMatchObject({
      min: { accountId: 'a', createdAt: MIN, number: MIN },
      max: { accountId: 'a', createdAt: noon, number: 7 },
    });
    expect(interval({ legacyNumber: '3' }, { position: { value: 7, number: 7 }, direction: 1 })).toEqual({
      index: 'legacyNumber_number',
      min: { 'legacy.number': 3, number: 8 },
      max: { 'legacy.number': 3, number: MAX },
    });
  });

  it('is undefined if the range is empty', () => {
    expect(interval({ number: { gt: '5', lt: '6' } })).toBeNull();
    expect(interval({ amount: { gt: '5', lt: '5' } })).toBeNull();
    expect(interval({ amount: { gte: '5', lt: '5' } })).toBeNull();
    const last = { position: { value: 9, number: 9 }, direction: 1 } as const;
    expect(interval({ number: { lte: '9' } }, last)).toBeNull();
    const first = { position: { value: 5, number: 5 }, direction: -1 } as const;
    expect(interval({ number: { gte: '5' } }, first)).toBeNull();
  });
});

describe('an order query as a filter', () => {
  it('has the same bounds', () => {
    expect(filter({})).toEqual({});
    expect(filter({ legacyNumber: '3' })).toEqual({ 'legacy.number': 3 });
    expect(filter({ symbol: 'ACME', createdAt: { gt: '2026-01-31T12:00:00Z' } })).toEqual({
      symbol: 'ACME',
      createdAt: { $gt: noon },
    });
    expect(filter({ amount: { gte: '1', lte: '2' } })).toEqual({
      amount: { $gte: { $numberDecimal: '1.0000' }, $lte: { $numberDecimal: '2.0000' } },
    });
  });
});
