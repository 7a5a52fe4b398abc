import type { Money } from '#orders/money.js';
import type { Order } from '#orders/order.js';

export type SortField = 'number' | 'createdAt' | 'amount';

export interface Sort {
  readonly field: SortField;
  readonly descending: boolean;
}

/** What every order asked for has in common. */
export type Equality =
  | { readonly field: 'accountId' | 'symbol'; readonly value: string }
  | { readonly field: 'legacyNumber'; readonly value: number };

/** A value of the field that is sorted by: of `number`, `createdAt` and `amount` in this order. */
export type SortValue = number | Date | Money;

export interface Bound {
  readonly value: SortValue;
  readonly inclusive: boolean;
}

/** Of the field that is sorted by; without an end it reaches to the last order there is. */
export interface SortRange {
  readonly from?: Bound | undefined;
  readonly to?: Bound | undefined;
}

/**
 * What is asked of the saved orders. One of the six indexes answers each order query that can be put like this, in its order and
 * without looking at an order too many; `served-order queries.ts` has them all.
 */
export interface OrderQuery {
  readonly equality: Equality | undefined;
  readonly range: SortRange;
  readonly sort: Sort;
}

/** Whether its orders are a range of the dense numbers, where any page can be computed instead of sought. */
export function isByNumber({ equality, sort }: OrderQuery): boolean {
  return equality === undefined && sort.field === 'number';
}

/** Whether an order is one of those that are asked for. */
export function isWithin({ equality, range: { from, to }, sort }: OrderQuery, order: Order): boolean {
  if (equality?.field === 'legacyNumber' && order.legacy?.number !== equality.value) return false;
  if (equality !== undefined && equality.field !== 'legacyNumber' && order[equality.field] !== equality.value)
    return false;
  const value = order[sort.field].valueOf();
  if (from && (from.inclusive ? value < from.value.valueOf() : value <= from.value.valueOf())) return false;
  return !(to && (to.inclusive ? value > to.value.valueOf() : value >= to.value.valueOf()));
}
