import { Long, type Document } from 'mongodb';

type Expression = string | Document;

/** The figures of orders in the documents to sum up, as MongoDB expressions. */
export interface Figures {
  readonly currency: Expression;
  readonly side: Expression;
  readonly symbol: Expression;
  /** The creation time, or the start of its hour or day. */
  readonly time: Expression;
  /** Whether the import filled in missing fields with invented values. */
  readonly filled: Expression;
  readonly count: Expression;
  readonly quantity: Expression;
  readonly amount: Expression;
}

/** The figures in order documents. */
export const ORDER_FIGURES: Figures = {
  currency: '$currency',
  side: '$side',
  symbol: '$symbol',
  time: '$createdAt',
  // True only for a non-empty array: in BSON order, a missing field comes before the empty array, and that before all other arrays.
  filled: { $gt: ['$legacy.filled', []] },
  count: Long.ONE,
  quantity: { $toLong: '$quantity' },
  amount: '$amount',
};

/** The figures in unwound rollup documents, with one cell each. */
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

/** Returns the sums of a `$group` stage. They are exact: int64, and decimal128 for money. */
export function sumsOf({ count, quantity, amount }: Figures): Document {
  return { count: { $sum: count }, quantity: { $sum: quantity }, amount: { $sum: amount } };
}
