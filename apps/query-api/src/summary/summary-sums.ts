import type { Decimal128, Document } from 'mongodb';
import type { Side } from '#orders/order.js';
import { sumsOf, type Figures } from './figures.js';
import type { SummaryRequest } from './summary-query.js';

/** More are no summary: a day by the hour, of all symbols and sides, has less than a thousand. */
export const MAX_GROUPS = 10_000;

/** A group, or, without any key, all orders that were left out. */
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
 * The stages that add up what comes to them: at first, if there are any, those that were left out, then the groups in the order of
 * their keys, one more than is allowed at the most.
 */
export function sumStages(figures: Figures, { groupBy, includeFilled }: SumsAsked): Document[] {
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
  // `null` comes before any key.
  return [...groups, { $sort: { _id: 1 } }, { $limit: 1 + MAX_GROUPS + 1 }];
}

type SumsAsked = Pick<SummaryRequest, 'groupBy' | 'includeFilled'>;

/** Made of groups, which are few: all that are left out become one, whose count alone means something. */
const LEAVE_OUT_FILLED: Document = {
  $group: {
    _id: { $cond: ['$_id.filled', null, '$_id'] },
    count: { $sum: '$count' },
    quantity: { $first: '$quantity' },
    amount: { $first: '$amount' },
  },
};
