import { HttpStatus } from '@nestjs/common';
import { z } from 'zod';
import { type Money, formatMoney } from '#orders/order/money.js';
import type { Order } from '#orders/order/order.js';
import { Problem } from '#service/http/problem.js';

/** By `legacyNumber`, only orders that have one are found. */
export type SortField = 'number' | 'createdAt' | 'amount' | 'legacyNumber';

interface Sort {
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
 * reads no other orders. `SUPPORTED_ORDER_QUERIES` lists the supported combinations.
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

interface SupportedOrderQuery {
  readonly equality: Equality['field'] | null;
  readonly sort: SortField;
  /** The index of the `orders` collection that has the orders in this sort order. */
  readonly index: string;
}

/** All supported combinations. Each allows a range on its sort field and both sort directions. */
export const SUPPORTED_ORDER_QUERIES: readonly SupportedOrderQuery[] = [
  { equality: null, sort: 'number', index: 'number' },
  { equality: null, sort: 'createdAt', index: 'createdAt_number' },
  { equality: null, sort: 'amount', index: 'amount_number' },
  { equality: null, sort: 'legacyNumber', index: 'legacyNumber_number' },
  { equality: 'accountId', sort: 'createdAt', index: 'accountId_createdAt_number' },
  { equality: 'symbol', sort: 'createdAt', index: 'symbol_createdAt_number' },
  { equality: 'legacyNumber', sort: 'number', index: 'legacyNumber_number' },
];

/** Returns the default sort field of a filter: that of its first supported combination. */
export function defaultSort(equality: Equality['field'] | null): SortField {
  return SUPPORTED_ORDER_QUERIES.find((supported) => supported.equality === equality)?.sort ?? 'number';
}

/** Returns the index that covers a combination; `undefined` if none does. */
export function findIndex(equality: Equality['field'] | null, sort: SortField): string | undefined {
  return SUPPORTED_ORDER_QUERIES.find((supported) => supported.equality === equality && supported.sort === sort)?.index;
}

/**
 * Returns the index that covers an order query.
 * @throws Error if none does: such a query must be rejected earlier
 */
export function indexOf({ equality, sort }: OrderQuery): string {
  const index = findIndex(equality?.field ?? null, sort.field);
  if (index === undefined) throw new Error(`no index for ${JSON.stringify({ equality, sort })}`);
  return index;
}

/** A supported combination, as a problem lists it. */
export const SupportedCombinationSchema = z
  .object({
    filter: z.array(z.enum(['accountId', 'symbol', 'legacyNumber'])).describe('The filter; empty: no filter.'),
    range: z.enum(['number', 'createdAt', 'amount', 'legacyNumber']).describe('The field that may have a range.'),
    sort: z
      .array(z.string())
      .describe('The values of `sort`.')
      .meta({ examples: [['createdAt', '-createdAt']] }),
  })
  .meta({ title: 'SupportedCombination' });

/** Creates the 400 problem of an order query that no index covers; it lists the supported combinations. */
export function unsupportedCombination(reason: string): Problem {
  return new Problem(
    HttpStatus.BAD_REQUEST,
    'unsupported-combination',
    `${reason} \`supported\` lists the combinations that an index covers; their cost does not depend on the number of orders.`,
    {
      supported: SUPPORTED_ORDER_QUERIES.map(({ equality, sort }) => ({
        filter: equality === null ? [] : [equality],
        range: sort,
        sort: [sort, `-${sort}`],
      })),
    },
  );
}

/**
 * Returns the canonical path of an order query, such as `/v1/orders?` or `/v1/orders?accountId=acc-1&sort=-createdAt&`. It ends with `?`
 * or `&`, so that paging parameters can be appended. Page tokens are bound to it.
 */
export function orderQueryPath(orderQuery: OrderQuery): string {
  const { equality, range, sort } = orderQuery;
  const parameters: [string, string][] = [];
  if (equality !== undefined) parameters.push([equality.field, String(equality.value)]);
  if (range.from !== undefined) parameters.push(boundParameter(orderQuery, range.from, ['gte', 'gt']));
  if (range.to !== undefined) parameters.push(boundParameter(orderQuery, range.to, ['lte', 'lt']));
  if (sort.descending || sort.field !== defaultSort(equality?.field ?? null))
    parameters.push(['sort', `${sort.descending ? '-' : ''}${sort.field}`]);
  return `/v1/orders?${parameters.map(([name, value]) => `${encode(name)}=${encode(value)}&`).join('')}`;
}

function boundParameter({ sort }: OrderQuery, { value, inclusive }: Bound, names: [string, string]): [string, string] {
  return [`${sort.field}[${inclusive ? names[0] : names[1]}]`, valueText(value)];
}

function valueText(value: SortValue): string {
  if (typeof value === 'bigint') return formatMoney(value);
  return value instanceof Date ? value.toISOString() : String(value);
}

/** Percent-encodes all but brackets, which every server accepts and which are easier to read unencoded. */
function encode(part: string): string {
  return encodeURIComponent(part).replaceAll('%5B', '[').replaceAll('%5D', ']');
}
