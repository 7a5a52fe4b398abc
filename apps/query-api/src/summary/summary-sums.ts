import type { Decimal128, Document } from 'mongodb';
import type { Side } from '#orders/order/order.js';
import { sumsOf, type Figures } from './figures.js';
import type { SummaryRequest } from './summary-query.js';

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

/**
 * Returns the stages that sum up their input. They emit the excluded orders first, if there are any, then the groups in the order of
 * their keys, up to one more than the limit.
 */
export function sumStages(figures: Figures, { groupBy, includeFilled }: SumOptions): Document[] {
  const { currency, side, symbol, time, filled } = figures;
  const key = {
    currency,
    ...(groupBy.side && { side }),
    ...(groupBy.symbol && { symbol }),
    ...(groupBy.bucket && { from: { $dateTrunc: { date: time, unit: groupBy.bucket } } }),
  };
  const groups = includeFilled
    ? [{ $group: { _id: key, ...sumsOf(figures) } }]
    : [{ $group: { _id: { ...key, filled }, ...sumsOf(figures) } }, LEAVE_OUT_FILLED];
  // `null` sorts before any key.
  return [...groups, { $sort: { _id: 1 } }, { $limit: 1 + MAX_GROUPS + 1 }];
}

type SumOptions = Pick<SummaryRequest, 'groupBy' | 'includeFilled'>;

/** Merges the groups of excluded orders into one row, of which only the count is meaningful. */
const LEAVE_OUT_FILLED: Document = {
  $group: {
    _id: { $cond: ['$_id.filled', null, '$_id'] },
    count: { $sum: '$count' },
    quantity: { $first: '$quantity' },
    amount: { $first: '$amount' },
  },
};
