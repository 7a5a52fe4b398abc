import { Long, type Document } from 'mongodb';

type Expression = string | Document;

/** Where the figures of the orders stand in the documents that are added up, as expressions of MongoDB. */
export interface Figures {
  readonly currency: Expression;
  readonly side: Expression;
  readonly symbol: Expression;
  /** When they were created, or the beginning of the hour or day. */
  readonly time: Expression;
  /** Whether fields of theirs were made up. */
  readonly filled: Expression;
  readonly count: Expression;
  readonly quantity: Expression;
  readonly amount: Expression;
}

/** Of the orders themselves. */
export const ORDER_FIGURES: Figures = {
  currency: '$currency',
  side: '$side',
  symbol: '$symbol',
  time: '$createdAt',
  // No array is less than any, and the empty one less than all others.
  filled: { $gt: ['$legacy.filled', []] },
  count: Long.ONE,
  quantity: { $toLong: '$quantity' },
  amount: '$amount',
};

/** Of the cells of rollups, one in each document. */
export const CELL_FIGURES: Figures = {
  currency: '$cells.currency',
  side: '$cells.side',
  symbol: '$cells.symbol',
  time: '$cells.from',
  filled: '$cells.filled',
  count: '$cells.count',
  quantity: '$cells.quantity',
  amount: '$cells.amount',
};

/** The sums of a `$group`. They are exact: int64, and decimal128 for money. */
export function sumsOf({ count, quantity, amount }: Figures): Document {
  return { count: { $sum: count }, quantity: { $sum: quantity }, amount: { $sum: amount } };
}
