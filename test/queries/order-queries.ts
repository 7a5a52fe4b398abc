import { parseStrictJson } from '#legacy/json/strict-json.js';
import { legacyOrder } from '#legacy/row/legacy-order.js';
import { orderGenerator } from '#orders/generator/generator.js';
import type { Order } from '#orders/order/order.js';
import { wholeRow } from '../../apps/query-api/src/summary/testing/some-orders.js';
import { legacyPairs } from '../support/sent-orders.js';
import type { RunningQueryApi } from '../support/started-app.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Document } from 'mongodb';
import { Mongo } from '#service/mongodb/mongo.js';
import { SavedOrders } from '../../apps/query-api/src/orders/saved-orders.js';
import { type OrdersPage, OrdersQuerySchema } from '../../apps/query-api/src/paging/orders-page.js';
import { indexInterval } from '../../apps/query-api/src/order-query/index-interval.js';
import {
  sortValueOf,
  type OrderQuery,
  type SortField,
  SUPPORTED_ORDER_QUERIES,
} from '../../apps/query-api/src/order-query/order-query.js';
import { parseOrderQuery } from '../../apps/query-api/src/order-query/order-query-parameters.js';

/** A query API, and all orders that it has. */
export interface QueriedApi {
  readonly api: RunningQueryApi;
  readonly all: readonly Order[];
}

/** When the first of the orders within one second was created. */
const FROM = new Date('2026-01-31T12:00:00Z');

/** Returns the orders of which the specs of queries know every field, numbered from 1. */
export function queriedOrders(): Order[] {
  return [
    // Several per millisecond, so that ties must be broken.
    ...generated(2_500, FROM, new Date(FROM.getTime() + 1_000)),
    // Two legacy systems with the same numbers, whose rows have ids only, so that all other fields are filled.
    ...legacyPairs(40).map(read),
    ...legacyPairs(40).map(read),
    ...legacyPairs(30, 100).map(wholeRow).map(read),
    // Parts of months, days and hours.
    ...generated(3_000, new Date('2026-01-30T22:30:00Z'), new Date('2026-02-03T03:10:00Z')),
  ].map((order, at) => Object.assign(order, { number: at + 1 }));
}

function generated(count: number, from: Date, to: Date): Omit<Order, 'number'>[] {
  const orderAt = orderGenerator({
    operationId: crypto.randomUUID(),
    seed: 5,
    count,
    firstNumber: 1,
    accounts: 20,
    from,
    to,
  });
  return Array.from({ length: count }, (_, index) => orderAt(index));
}

/** Reads a row of a legacy file as an import does. */
function read(row: object): Omit<Order, 'number'> {
  const parsed = parseStrictJson(JSON.stringify(row));
  const result = legacyOrder('value' in parsed ? parsed.value : parsed.fault);
  if ('reason' in result) throw new Error(JSON.stringify(result.reason));
  return result.order;
}

/** @param shared returns the query API that these specs share with others, and all of its orders */
export function orderQueriesSpecs(shared: () => QueriedApi): void {
  let api: RunningQueryApi;
  let mongo: Mongo;
  let all: readonly Order[];

  beforeAll(() => {
    ({ api, all } = shared());
    mongo = new Mongo(api.mongodbUri, 'tests');
  });

  afterAll(async () => {
    await mongo.client.close();
  });

  /** Computes the expected order numbers by checking every order. */
  function expectedNumbers(orderQuery: OrderQuery): number[] {
    const { equality, range, sort } = orderQuery;
    const isSelected = (order: Order): boolean => {
      if (sort.field === 'legacyNumber' && order.legacy === undefined) return false;
      const value = sortValueOf(order, sort.field);
      const { from, to } = range;
      if (equality?.field === 'legacyNumber' && order.legacy?.number !== equality.value) return false;
      if (equality !== undefined && equality.field !== 'legacyNumber' && order[equality.field] !== equality.value)
        return false;
      if (from && (value < from.value || (!from.inclusive && !(value > from.value)))) return false;
      return !(to && (value > to.value || (!to.inclusive && !(value < to.value))));
    };
    const ascending = all.filter(isSelected).toSorted((a, b) => compare(a, b, sort.field));
    return (sort.descending ? ascending.toReversed() : ascending).map(({ number }) => number);
  }

  async function totalOf(parameters: string): Promise<OrdersPage['total']> {
    return (await api.get<OrdersPage>(`/v1/orders?${parameters}`)).body.total;
  }

  const MIDDLE = new Date(FROM.getTime() + 500).toISOString();
  const ORDER_QUERIES = [
    '',
    'number[gt]=17&number[lte]=1003',
    'number[gt]=0&number[lte]=310',
    'number[gte]=0&number[lt]=310',
    'createdAt[gte]=2026-01-31T12:00:00Z&createdAt[lt]=2026-01-31T12:00:00.500Z',
    `createdAt[gt]=${MIDDLE}&createdAt[lte]=2026-01-31T12:00:00.600Z`,
    'sort=createdAt',
    'sort=amount',
    'amount[gte]=10000&amount[lt]=500000.5',
    'accountId=acc-0000003',
    `accountId=acc-0000003&createdAt[lt]=${MIDDLE}`,
    'symbol=ACME',
    `symbol=BOLT&createdAt[gte]=${MIDDLE}`,
    'legacyNumber=7',
    'legacyNumber=7&number[gt]=2510',
    'sort=legacyNumber',
    'legacyNumber[gte]=7&legacyNumber[lt]=21',
    'accountId=nobody',
  ];
  const BOTH_WAYS = ORDER_QUERIES.flatMap((orderQuery) => [orderQuery, descending(orderQuery)]);

  it.each(BOTH_WAYS)('?%s returns each order once by cursor pagination, forward and backward', async (parameters) => {
    const expected = expectedNumbers(orderQueryOf(parameters));
    const size = Math.max(1, Math.ceil(expected.length / 7));
    const first = `/v1/orders?${parameters}&pageSize=${Math.min(size, 1_000)}`;
    const forward = await api.walk(first);
    expect(forward.flat().map(({ number }) => number)).toEqual(expected);
    let last = first;
    for (let next: string | undefined = first; next !== undefined;) {
      last = next;
      next = (await api.get<OrdersPage>(next)).body.page.next;
    }
    const back = await api.walk(last, 'prev');
    expect(back.toReversed().flat()).toEqual(forward.flat());
  });

  it.each(BOTH_WAYS)('?%s returns the same orders by numbered pages', async (parameters) => {
    const expected = expectedNumbers(orderQueryOf(parameters));
    const pages = await api.walk(`/v1/orders?${parameters}&page=1&pageSize=300`);
    expect(pages.flat().map(({ number }) => number)).toEqual(expected);
    const { body } = await api.get<OrdersPage>(`/v1/orders?${parameters}&page=2&pageSize=10`);
    expect(body.items.map(({ number }) => number)).toEqual(expected.slice(10, 20));
    const { body: counted } = await api.get<OrdersPage>(`/v1/orders?${parameters}&pageSize=1&count=exact`);
    expect(counted.total).toEqual({ value: expected.length, kind: 'exact' });
  });

  it('counts only on request, and marks the total as exact or estimated', async () => {
    expect(await totalOf('')).toBeUndefined();
    expect(await totalOf('count=estimated')).toEqual({ value: all.length, kind: 'estimated' });
    expect(await totalOf('count=estimated&symbol=ACME')).toMatchObject({ kind: 'exact' });
  });

  describe('in MongoDB', () => {
    const positions = ['beginning', 'middle'] as const;
    const served = SUPPORTED_ORDER_QUERIES.flatMap(({ equality, sort }) =>
      [sort, `-${sort}`].flatMap((sorted) => positions.map((position) => ({ equality, sort, sorted, position }))),
    );

    it.each(served)(
      'by $equality sorted by $sorted, from the $position, examines only the orders that it returns',
      async ({ equality, sort, sorted, position }) => {
        const values = { accountId: 'acc-0000003', symbol: 'ACME', legacyNumber: '7' };
        const orderQuery = orderQueryOf(`sort=${sorted}${equality === null ? '' : `&${equality}=${values[equality]}`}`);
        const direction = orderQuery.sort.descending ? -1 : 1;
        const numbers = expectedNumbers(orderQuery);
        const middle = all.find(({ number }) => number === numbers[numbers.length >> 1]);
        const from = position === 'middle' ? middle : undefined;
        const interval = indexInterval(
          orderQuery,
          from && { position: { value: sortValueOf(from, sort), number: from.number }, direction },
        );
        if (interval === undefined) throw new Error('the index interval must not be empty');
        const explained = await new SavedOrders(mongo)
          .cursor({ interval, direction, limit: 100 })
          .explain('executionStats');
        const stages = stagesOf(explained['queryPlanner'].winningPlan as Document);
        expect(stages).toContain('IXSCAN');
        for (const bad of ['COLLSCAN', 'SORT', 'SORT_KEY_GENERATOR', 'OR', 'SORT_MERGE'])
          expect(stages).not.toContain(bad);
        const { nReturned, totalKeysExamined, totalDocsExamined } = explained['executionStats'];
        expect(nReturned).toBe(
          Math.min(100, position === 'middle' ? Math.ceil(numbers.length / 2) - 1 : numbers.length),
        );
        expect(totalDocsExamined).toBeLessThanOrEqual(nReturned * 1.1);
        expect(totalKeysExamined).toBeLessThanOrEqual(nReturned * 1.1 + 1);
      },
    );
  });
}

function descending(parameters: string): string {
  if (parameters.includes('sort=')) return parameters.replace('sort=', 'sort=-');
  const [, ranged] = /(legacyNumber|number|createdAt|amount)\[/.exec(parameters) ?? [];
  const byDate = /accountId|symbol/.test(parameters);
  return `${parameters}${parameters === '' ? '' : '&'}sort=-${ranged ?? (byDate ? 'createdAt' : 'number')}`;
}

function compare(a: Order, b: Order, field: SortField): number {
  const [first, second] = [sortValueOf(a, field), sortValueOf(b, field)];
  if (first < second) return -1;
  return first > second ? 1 : a.number - b.number;
}

function stagesOf(plan: Document): string[] {
  const inner = [
    plan['inputStage'] as Document | undefined,
    ...((plan['inputStages'] as Document[] | undefined) ?? []),
  ];
  return [String(plan['stage']), ...inner.flatMap((stage) => (stage === undefined ? [] : stagesOf(stage)))];
}

function orderQueryOf(parameters: string): OrderQuery {
  const query: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(parameters)) {
    const [, field = '', end = ''] = /^(\w+)\[(\w+)\]$/.exec(name) ?? [];
    if (field === '') query[name] = value;
    else query[field] = { ...(query[field] as object | undefined), [end]: value };
  }
  return parseOrderQuery(OrdersQuerySchema.parse(query));
}
