import type { Money } from '#orders/order/money.js';
import type { Order } from '#orders/order/order.js';

/** By `legacyNumber`, only orders that have one are found. */
export type SortField = 'number' | 'createdAt' | 'amount' | 'legacyNumber';

export interface Sort {
  readonly field: SortField;
  readonly descending: boolean;
}

/** The value that all orders of a query share in one field. */
export type Equality =
  | { readonly field: 'accountId' | 'symbol'; readonly value: string }
  | { readonly field: 'legacyNumber'; readonly value: number };

/** A value of the sort field: a number, `createdAt` or `amount`. */
export type SortValue = number | Date | Money;

export interface Bound {
  readonly value: SortValue;
  readonly inclusive: boolean;
}

/** The range of the sort field. A missing end means that the range is unbounded on that side. */
export interface SortRange {
  readonly from?: Bound | undefined;
  readonly to?: Bound | undefined;
}

/**
 * A query of saved orders. One of the six indexes covers each supported order query: it returns the orders in sort order, and MongoDB
 * reads no other orders. `supported-order-queries.ts` lists the supported combinations.
 */
export interface OrderQuery {
  readonly equality: Equality | undefined;
  readonly range: SortRange;
  readonly sort: Sort;
}

/** Whether the orders are a range of the dense order numbers, so that the numbers of any page can be computed. */
export function isByNumber({ equality, sort }: OrderQuery): boolean {
  return equality === undefined && sort.field === 'number';
}

/** Returns an order's value of a sort field. @throws Error if the order has no legacy number */
export function sortValueOf(order: Order, field: SortField): SortValue {
  if (field !== 'legacyNumber') return order[field];
  if (order.legacy === undefined) throw new Error(`order ${order.id} has no legacy number`);
  return order.legacy.number;
}

/** Whether an order query includes an order. */
export function isWithin({ equality, range: { from, to }, sort }: OrderQuery, order: Order): boolean {
  if (equality?.field === 'legacyNumber' && order.legacy?.number !== equality.value) return false;
  if (equality !== undefined && equality.field !== 'legacyNumber' && order[equality.field] !== equality.value)
    return false;
  if (sort.field === 'legacyNumber' && order.legacy === undefined) return false;
  const value = sortValueOf(order, sort.field).valueOf();
  if (from && (from.inclusive ? value < from.value.valueOf() : value <= from.value.valueOf())) return false;
  return !(to && (to.inclusive ? value > to.value.valueOf() : value >= to.value.valueOf()));
}
