import type { Decimal128, Document } from 'mongodb';
import type { Side } from '#orders/order/order.js';
import { filterOf } from '../order-query/index-interval.js';
import { rangeOf } from '../order-query/sort-range.js';
import { CELL_SUMS, ORDER_TO_CELL } from './order-cells.js';
import type { SummaryRequest } from './summary-query.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** The limit of groups. For comparison: one day per hour, by all symbols and sides, has fewer than 1,000. */
export const MAX_GROUPS = 10_000;

/** A group; or, with the key `null`, all excluded orders. */
export interface SumRow {
  readonly _id: {
    readonly currency: string;
    readonly side?: Side;
    readonly symbol?: string;
    readonly from?: Date;
  } | null;
  readonly count: number;
  readonly quantity: number;
  readonly amount: Decimal128;
}

/** Returns the pipeline that sums up the matching cells of the rollups. */
export function sumOfRollups(request: SummaryRequest): Document[] {
  const unit = coarsestUnit(request);
  const conditions = conditionsOf(request);
  return [
    // Skips blocks without a matching cell before they are unwound.
    { $match: { [unit]: { $elemMatch: conditions } } },
    { $project: { cells: `$${unit}` } },
    { $unwind: '$cells' },
    { $replaceWith: '$cells' },
    { $match: conditions },
    ...sumStages(request),
  ];
}

/** Returns the pipeline that sums up the orders of one account. The index for it is `accountId_createdAt_number`. */
export function sumOfOrders(request: SummaryRequest): Document[] {
  return [{ $match: conditionsOf(request) }, ORDER_TO_CELL, ...sumStages(request)];
}

/** Returns the coarsest cells with enough detail for the request: there are a tenth as many per day as per hour, and far fewer for all times. */
function coarsestUnit({ groupBy: { bucket }, createdAt: { gte, lt } = {} }: SummaryRequest): 'all' | 'day' | 'hour' {
  const bounds = [gte, lt].filter((bound) => bound !== undefined);
  if (bucket === 'hour' || bounds.some((bound) => bound.getTime() % DAY_MS !== 0)) return 'hour';
  return bucket === undefined && bounds.length === 0 ? 'all' : 'day';
}

function conditionsOf({ accountId, createdAt, currency, side, symbol }: SummaryRequest): Document {
  return {
    ...filterOf({
      equality: accountId === undefined ? undefined : { field: 'accountId', value: accountId },
      range: rangeOf(createdAt ?? {}),
      sort: { field: 'createdAt', descending: false },
    }),
    ...(currency !== undefined && { currency }),
    ...(side !== undefined && { side }),
    ...(symbol !== undefined && { symbol }),
  };
}

/**
 * Returns the stages that sum up cells. They emit the excluded orders first, if there are any, then the groups in the order of their
 * keys, up to one more than the limit.
 */
function sumStages({ groupBy: { side, symbol, bucket }, includeFilled }: SummaryRequest): Document[] {
  const key = {
    currency: '$currency',
    ...(side && { side: '$side' }),
    ...(symbol && { symbol: '$symbol' }),
    ...(bucket && { from: { $dateTrunc: { date: '$createdAt', unit: bucket } } }),
  };
  return [
    { $group: { _id: includeFilled ? key : { ...key, filled: '$filled' }, ...CELL_SUMS } },
    ...(includeFilled ? [] : [EXCLUDE_FILLED]),
    // `null` sorts before any key.
    { $sort: { _id: 1 } },
    { $limit: 1 + MAX_GROUPS + 1 },
  ];
}

/** Merges the groups of excluded orders into one row, of which only the count is meaningful. */
const EXCLUDE_FILLED: Document = {
  $group: {
    _id: { $cond: ['$_id.filled', null, '$_id'] },
    count: { $sum: '$count' },
    quantity: { $first: '$quantity' },
    amount: { $first: '$amount' },
  },
};
