import { describe, expect, it } from '@jest/globals';
import type { Document } from 'mongodb';
import { sumOfAccount, sumOfCells } from './summed-documents.js';
import { SummaryQuerySchema } from './summary-query.js';

function cells(query: object): Document[] {
  return sumOfCells(SummaryQuerySchema.parse(query));
}

/** Returns the key of the first `$group` stage. */
function keyOf(pipeline: Document[]): Document {
  return pipeline.find((stage) => '$group' in stage)?.['$group']._id as Document;
}

describe('the pipeline of a summary', () => {
  it('always groups by currency', () => {
    expect(keyOf(cells({}))).toEqual({ currency: '$cells.currency', filled: '$cells.filled' });
    expect(keyOf(cells({ groupBy: 'month,side,symbol' }))).toEqual({
      currency: '$cells.currency',
      side: '$cells.side',
      symbol: '$cells.symbol',
      from: { $dateTrunc: { date: '$cells.from', unit: 'month' } },
      filled: '$cells.filled',
    });
  });

  it('separates orders with filled fields only if they are excluded', () => {
    expect(keyOf(cells({ includeFilled: 'true' }))).toEqual({ currency: '$cells.currency' });
  });

  it('sorts groups by currency, side, symbol and time, whatever the order in groupBy', () => {
    expect(Object.keys(keyOf(cells({ groupBy: 'day,symbol,side' })))).toEqual(['currency', 'side', 'symbol', 'from', 'filled']); // prettier-ignore
  });

  it('unwinds only blocks with matching cells', () => {
    const [blocks, , unwind, filter] = cells({ symbol: 'ACME', createdAt: { gte: '2026-01-31T12:00:00Z' } });
    const from = { $gte: new Date('2026-01-31T12:00:00Z') };
    expect(blocks).toEqual({ $match: { cells: { $elemMatch: { symbol: 'ACME', from } } } });
    expect(unwind).toEqual({ $unwind: '$cells' });
    expect(filter).toEqual({ $match: { 'cells.symbol': 'ACME', 'cells.from': from } });
    expect(cells({}).some((stage) => '$match' in stage)).toBe(false);
  });

  it.each<[object, unknown]>([
    [{}, { $ifNull: ['$undated', '$days', '$cells'] }],
    [{ groupBy: 'side', symbol: 'ACME' }, { $ifNull: ['$undated', '$days', '$cells'] }],
    [{ groupBy: 'month' }, { $ifNull: ['$days', '$cells'] }],
    [{ groupBy: 'day' }, { $ifNull: ['$days', '$cells'] }],
    [{ createdAt: { gte: '2026-01-31T00:00:00Z', lt: '2026-02-01T00:00:00Z' } }, { $ifNull: ['$days', '$cells'] }],
    [{ createdAt: { gte: '2026-01-31T00:00:00Z', lt: '2026-02-01T01:00:00Z' } }, 1],
    [{ groupBy: 'hour' }, 1],
    [{ groupBy: 'day', createdAt: { lt: '2026-02-01T01:00:00Z' } }, 1],
  ])('%j uses the coarsest cells with enough detail', (query, expected) => {
    expect(cells(query).find((stage) => '$project' in stage)?.['$project']).toEqual({ cells: expected });
  });

  it('sums up the orders of one account with its index', () => {
    const createdAt = { gt: '2026-01-31T12:30:00Z', lte: '2026-01-31T12:45:00Z' };
    const request = SummaryQuerySchema.parse({ accountId: 'acc-1', createdAt, side: 'buy', groupBy: 'day' });
    const { pipeline, hint } = sumOfAccount(request, 'acc-1');
    expect(hint).toBe('accountId_createdAt_number');
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
