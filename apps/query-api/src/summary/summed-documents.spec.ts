import { describe, expect, it } from '@jest/globals';
import type { Document } from 'mongodb';
import { sumOfAccount, sumOfCells } from './summed-documents.js';
import { SummaryQuerySchema } from './summary-query.js';

function cells(query: object): Document[] {
  return sumOfCells(SummaryQuerySchema.parse(query));
}

/** What the first `$group` groups by. */
function keyOf(pipeline: Document[]): Document {
  return pipeline.find((stage) => '$group' in stage)?.['$group']._id as Document;
}

describe('the pipeline of a summary', () => {
  it('groups by the currency, whatever else is asked for', () => {
    expect(keyOf(cells({}))).toEqual({ currency: '$cells.currency', filled: '$cells.filled' });
    expect(keyOf(cells({ groupBy: 'month,side,symbol' }))).toEqual({
      currency: '$cells.currency',
      side: '$cells.side',
      symbol: '$cells.symbol',
      from: { $dateTrunc: { date: '$cells.from', unit: 'month' } },
      filled: '$cells.filled',
    });
  });

  it('knows orders made up in part from others only as long as they are left out', () => {
    expect(keyOf(cells({ includeFilled: 'true' }))).toEqual({ currency: '$cells.currency' });
  });

  it('has its groups in the order of currency, side, symbol and time, however it was asked', () => {
    expect(Object.keys(keyOf(cells({ groupBy: 'day,symbol,side' })))).toEqual(['currency', 'side', 'symbol', 'from', 'filled']); // prettier-ignore
  });

  it('takes no block apart that has nothing of what is asked for', () => {
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
  ])('%j is answered by the coarsest cells that tell it apart', (query, expected) => {
    expect(cells(query).find((stage) => '$project' in stage)?.['$project']).toEqual({ cells: expected });
  });

  it('adds up the orders of one account by the index that has them', () => {
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
