import { formatMoney } from '#orders/order/money.js';
import type { Order } from '#orders/order/order.js';
import type { GroupBy, SummaryRequest } from '../summary-query.js';
import type { Summary } from '../summary-response.js';
import { summaryRequest } from './summary-request.js';

type Key = Omit<Summary['groups'][number], 'count' | 'quantity' | 'amount'>;

/**
 * Computes the summary of orders directly from the orders.
 * @param query the query string
 */
export function expectedSummary(orders: readonly Order[], query: string, through: number): Summary {
  const request = summaryRequest(query);
  const matching = orders.filter((order) => matches(order, request));
  const included = request.includeFilled
    ? matching
    : matching.filter(({ legacy }) => (legacy?.filled.length ?? 0) === 0);
  const byKey = Map.groupBy(included, (order) => JSON.stringify(keyOf(order, request.groupBy)));
  const groups = [...byKey.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, own]) =>
      Object.assign(JSON.parse(key) as Key, {
        count: own.length,
        quantity: own.reduce((sum, { quantity }) => sum + quantity, 0),
        amount: formatMoney(own.reduce((sum, { amount }) => sum + amount, 0n)),
      }),
    );
  return { groups, total: { count: included.length }, excludedFilled: matching.length - included.length, through };
}

function matches(order: Order, { currency, side, symbol, accountId, createdAt = {} }: SummaryRequest): boolean {
  const { gte, gt, lte, lt } = createdAt;
  return (
    (currency ?? order.currency) === order.currency &&
    (side ?? order.side) === order.side &&
    (symbol ?? order.symbol) === order.symbol &&
    (accountId ?? order.accountId) === order.accountId &&
    !(gte && order.createdAt < gte) &&
    !(gt && order.createdAt <= gt) &&
    !(lte && order.createdAt > lte) &&
    !(lt && order.createdAt >= lt)
  );
}

const BEGINNINGS = { hour: [13, ':00:00.000Z'], day: [10, 'T00:00:00.000Z'], month: [7, '-01T00:00:00.000Z'] } as const;

function keyOf({ currency, side, symbol, createdAt }: Order, groupBy: GroupBy): Key {
  const [length, rest] = groupBy.bucket ? BEGINNINGS[groupBy.bucket] : [0, ''];
  return {
    currency,
    ...(groupBy.side && { side }),
    ...(groupBy.symbol && { symbol }),
    ...(groupBy.bucket && { from: `${createdAt.toISOString().slice(0, length)}${rest}` }),
  };
}
