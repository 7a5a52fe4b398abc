import { formatMoney } from '#orders/order/money.js';
import type { Bound, OrderQuery, SortValue } from './order-query.js';
import { defaultSort } from './supported-order-queries.js';

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
