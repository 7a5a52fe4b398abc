import { formatMoney } from '#orders/money.js';
import type { Bound, OrderQuery, SortValue } from './order-query.js';
import { defaultSort } from './supported-order-queries.js';

/**
 * The path that asks an order query, in one spelling for all ways to put it, and ending so that paging can follow: `/v1/orders?`, or
 * `/v1/orders?accountId=acc-1&sort=-createdAt&`. Page tokens are bound to it.
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

/** Brackets stay as they are: every server reads them, and people do. */
function encode(part: string): string {
  return encodeURIComponent(part).replaceAll('%5B', '[').replaceAll('%5D', ']');
}
