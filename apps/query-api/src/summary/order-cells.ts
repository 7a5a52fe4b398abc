import { Long, type Document } from 'mongodb';

/** The fields of a cell that are summed up. The sums are exact: int64, and decimal128 for money. */
export const CELL_SUMS: Document = {
  count: { $sum: '$count' },
  quantity: { $sum: '$quantity' },
  amount: { $sum: '$amount' },
};

/**
 * The stage that turns each order into a cell. A cell has the number, quantity and amount of orders that are equal in currency, side,
 * symbol, time and `filled`: whether the import filled in missing fields of these legacy orders with invented values.
 */
export const ORDER_TO_CELL: Document = {
  $project: {
    _id: 0,
    currency: 1,
    side: 1,
    symbol: 1,
    createdAt: 1,
    // True only for a non-empty array: in BSON order, a missing field comes before the empty array, and that before all other arrays.
    filled: { $gt: ['$legacy.filled', []] },
    count: { $literal: Long.ONE },
    quantity: { $toLong: '$quantity' },
    amount: 1,
  },
};

/**
 * Returns the stages that merge cells.
 * @param unit merged cells get the start of their hour or day (UTC) as `createdAt`; `undefined`: they lose it
 */
export function mergeCells(unit?: 'hour' | 'day'): Document[] {
  const key = {
    currency: '$currency',
    side: '$side',
    symbol: '$symbol',
    filled: '$filled',
    ...(unit && { createdAt: { $dateTrunc: { date: '$createdAt', unit } } }),
  };
  const sums = { count: '$count', quantity: '$quantity', amount: '$amount' };
  return [{ $group: { _id: key, ...CELL_SUMS } }, { $replaceWith: { $mergeObjects: ['$_id', sums] } }];
}
