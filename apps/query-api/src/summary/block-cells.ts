import { Long, type Document } from 'mongodb';
import type { NumberRange } from '../orders/number-holes.js';
import { ORDER_FIGURES, sumsOf } from './figures.js';

/** Returns the aggregation pipeline that computes the hourly cells of the orders in a number range. */
export function blockCells({ from, to }: NumberRange): Document[] {
  const { time, currency, side, symbol, filled } = ORDER_FIGURES;
  return [
    { $match: { number: { $gte: Long.fromNumber(from), $lte: Long.fromNumber(to) } } },
    {
      $group: {
        _id: { from: { $dateTrunc: { date: time, unit: 'hour' } }, currency, side, symbol, filled },
        ...sumsOf(ORDER_FIGURES),
      },
    },
    { $replaceWith: { $mergeObjects: ['$_id', { count: '$count', quantity: '$quantity', amount: '$amount' }] } },
  ];
}
