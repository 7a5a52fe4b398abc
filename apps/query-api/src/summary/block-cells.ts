import { Long, type Document } from 'mongodb';
import type { NumberRange } from '../orders/number-holes.js';
import { ORDER_FIGURES, sumsOf } from './figures.js';

/** The pipeline that makes the cells, by the hour, of the orders with these numbers. */
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
