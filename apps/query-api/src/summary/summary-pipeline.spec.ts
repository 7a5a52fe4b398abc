import { describe, expect, it } from '@jest/globals';
import type { Document } from 'mongodb';
import { sumOfOrders, sumOfRollups } from './summary-pipeline.js';
import { SummaryQuerySchema } from './summary-query.js';

function rollups(query: object): Document[] {
  return sumOfRollups(SummaryQuerySchema.parse(query));
}

/** Returns the key of the first `$group` stage. */
function keyOf(pipeline: Document[]): Document {
  return pipeline.find((stage) => '$group' in stage)?.['$group']._id as Document;
}

describe('the pipeline of a summary', () => {
  it('always groups by currency', () => {
    expect(keyOf(rollups({}))).toEqual({ currency: '$currency', filled: '$filled' });
    expect(keyOf(rollups({ groupBy: 'month,side,symbol' }))).toEqual({
      currency: '$currency',
      side: '$side',
      symbol: '$symbol',
      from: { $dateTrunc: { date: '$createdAt', unit: 'month' } },
      filled: '$filled',
    });
  });

  it('separates orders with filled fields only if they are excluded', () => {
    expect(keyOf(rollups({ includeFilled: 'true' }))).toEqual({ currency: '$currency' });
  });

  it('sorts groups by currency, side, symbol and time, whatever the order in groupBy', () => {
    expect(Object.keys(keyOf(rollups({ groupBy: 'day,symbol,side' })))).toEqual(['currency', 'side', 'symbol', 'from', 'filled']); // oxfmt-ignore
  });

  it('unwinds only blocks with matching cells', () => {
    const [blocks, , unwind, , filter] = rollups({ symbol: 'ACME', createdAt: { gte: '2026-01-31T12:00:00Z' } });
    const conditions = { symbol: 'ACME', createdAt: { $gte: new Date('2026-01-31T12:00:00Z') } };
    expect(blocks).toEqual({ $match: { hour: { $elemMatch: conditions } } });
    expect(unwind).toEqual({ $unwind: '$cells' });
    expect(filter).toEqual({ $match: conditions });
  });

  it.each<[object, string]>([
    [{}, 'all'],
    [{ groupBy: 'side', symbol: 'ACME' }, 'all'],
    [{ groupBy: 'month' }, 'day'],
    [{ groupBy: 'day' }, 'day'],
    [{ createdAt: { gte: '2026-01-31T00:00:00Z', lt: '2026-02-01T00:00:00Z' } }, 'day'],
    [{ createdAt: { gte: '2026-01-31T00:00:00Z', lt: '2026-02-01T01:00:00Z' } }, 'hour'],
    [{ groupBy: 'hour' }, 'hour'],
    [{ groupBy: 'day', createdAt: { lt: '2026-02-01T01:00:00Z' } }, 'hour'],
  ])('%j uses the coarsest cells with enough detail: %s', (query, expected) => {
    const [blocks, project] = rollups(query);
    expect(Object.keys(blocks?.['$match'])).toEqual([expected]);
    expect(project).toEqual({ $project: { cells: `$${expected}` } });
  });

  it('sums up the orders of one account directly', () => {
    const createdAt = { gt: '2026-01-31T12:30:00Z', lte: '2026-01-31T12:45:00Z' };
    const request = SummaryQuerySchema.parse({ accountId: 'acc-1', createdAt, side: 'buy', groupBy: 'day' });
    const pipeline = sumOfOrders(request);
    expect(pipeline[0]).toEqual({
      $match: {
        accountId: 'acc-1',
        createdAt: { $gt: new Date(createdAt.gt), $lte: new Date(createdAt.lte) },
        side: 'buy',
      },
    });
    expect(keyOf(pipeline)).toMatchObject({
      currency: '$currency',
      from: { $dateTrunc: { date: '$createdAt', unit: 'day' } },
    });
  });
});
