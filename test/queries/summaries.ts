import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Long, MongoClient } from 'mongodb';
import { reserveNumbers } from '#orders/numbering/number-blocks.js';
import { MAX_AMOUNT, moneyToDecimal128 } from '#orders/order/money.js';
import type { Order } from '#orders/order/order.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import type { Problem } from '#service/http/problem.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { rollupsCollection } from '../../apps/query-api/src/summary/order-rollups.js';
import type { RollupKeeper } from '../../apps/query-api/src/summary/rollup-keeper.js';
import type { Summary } from '../../apps/query-api/src/summary/summary-request.js';
import { expectedSummary, WatchedInstance } from '../../apps/query-api/src/summary/testing/watched-instance.js';
import { allOrders, orderDocuments, refill } from '../../apps/query-api/src/summary/testing/some-orders.js';
import { eventually } from '../support/eventually.js';
import type { RunningQueryApi } from '../support/started-app.js';
import type { QueriedApi } from './order-queries.js';

/** @param shared returns the query API that these specs share with others, and all of its orders */
export function summariesSpecs(shared: () => QueriedApi): void {
  let api: RunningQueryApi;
  let all: readonly Order[];
  let client: MongoClient;

  beforeAll(() => {
    ({ api, all } = shared());
    client = new MongoClient(api.mongodbUri);
  });

  afterAll(async () => client.close());

  async function summary(query: string): Promise<Summary> {
    const { status, body } = await api.get<Summary>(`/v1/orders/summary?${query}`);
    expect({ status, body }).toMatchObject({ status: 200 });
    return body;
  }

  const GROUPINGS = ['', 'side', 'symbol', 'hour', 'day', 'month', 'side,symbol', 'day,symbol,side', 'side,month'];
  const FILTERS = [
    '',
    'currency=EUR',
    'side=sell&symbol=ACME',
    'createdAt[gte]=2026-01-31T05:00:00Z&createdAt[lt]=2026-02-01T17:00:00Z',
    'createdAt[gte]=2026-01-31T00:00:00Z&symbol=BOLT',
    'includeFilled=true',
    'symbol=nothing',
    'accountId=acc-0000003',
    'accountId=acc-0000003&createdAt[gt]=2026-01-31T05:10:00.001Z&createdAt[lte]=2026-02-01T17:30:00Z&side=buy',
  ];

  it.each(FILTERS.flatMap((filter) => GROUPINGS.map((grouping) => ({ filter, grouping }))))(
    'by "$grouping" of ?$filter equals the sum over the single orders',
    async ({ filter, grouping }) => {
      const query = `${filter}${grouping === '' ? '' : `&groupBy=${grouping}`}`;
      expect(await summary(query)).toEqual(expectedSummary(all, query, all.length));
    },
  );

  it('excludes orders with filled fields, and returns their number', async () => {
    const filled = all.filter(({ legacy }) => (legacy?.filled.length ?? 0) > 0).length;
    expect(filled).toBeGreaterThanOrEqual(40);
    const total = { count: all.length - filled };
    expect(await summary('')).toMatchObject({ total, excludedFilled: filled });
    expect(await summary('includeFilled=true')).toMatchObject({ total: { count: all.length }, excludedFilled: 0 });
  });

  it('follows manual changes of orders in a block that is not full', async () => {
    const before = await summary('groupBy=side');
    const removed = await ordersCollection(client.db()).findOneAndDelete({ number: Long.fromNumber(1_234) });
    const left = all.filter(({ number }) => number !== 1_234);
    expect(await summary('groupBy=side')).toEqual(expectedSummary(left, 'groupBy=side', all.length));
    if (removed) await ordersCollection(client.db()).insertOne(removed);
    expect(await summary('groupBy=side')).toEqual(before);
  });

  it.each([
    ['createdAt[gte]=2026-01-31T05:30:00Z', 'createdAt[gte]'],
    ['currency=EUR&currency=USD', 'currency'],
  ])('of ?%s is rejected and names the parameter', async (query, field) => {
    const { status, body } = await api.get<{ errors: object[] }>(`/v1/orders/summary?${query}`);
    expect({ status, errors: body.errors }).toMatchObject({ status: 400, errors: [{ field, in: 'query' }] });
  });

  describe('by blocks of 100 orders', () => {
    const COUNT = 1_050;
    let mongo: Mongo;

    beforeAll(() => {
      // A separate database, since the query API builds its rollups with blocks of another size.
      const uri = new URL(api.mongodbUri);
      uri.pathname += '-small';
      mongo = new Mongo(uri.href, 'tests');
    });

    beforeEach(async () => {
      await refill(mongo.db, COUNT);
      await rollupsCollection(mongo.db).deleteMany({});
    });

    afterAll(async () => {
      await mongo.client.close();
    });

    async function expected(query = ''): Promise<Summary> {
      return expectedSummary(await allOrders(mongo.db), query, COUNT);
    }

    it('does not recount full blocks, nor any block while no order is saved', async () => {
      const { rollups, ask } = new WatchedInstance(mongo);
      expect(await ask('groupBy=day')).toEqual(await expected('groupBy=day'));
      expect(rollups.built.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      rollups.counted.length = 0;
      await ask();
      expect(rollups.counted).toEqual([10]);
      await ask();
      expect(rollups.counted).toEqual([10]);
      await ordersCollection(mongo.db).deleteOne({ number: Long.fromNumber(COUNT) });
      expect(await ask()).toEqual(await expected());
      expect(rollups.counted).toEqual([10, 10]);
    });

    it('uses the rollups of another instance', async () => {
      await new WatchedInstance(mongo).ask();
      const { rollups, ask } = new WatchedInstance(mongo);
      expect(await ask()).toEqual(await expected());
      expect(rollups.built).toEqual([]);
    });

    it('is correct when several instances make the same rollups concurrently', async () => {
      const instances = Array.from({ length: 4 }, () => new WatchedInstance(mongo));
      const requests = [...instances, ...instances, ...instances].map(({ ask }) => ask());
      for (const answer of await Promise.all(requests)) expect(answer).toEqual(await expected());
    });

    it('never replaces a rollup by one with fewer orders', async () => {
      const { rollups } = new WatchedInstance(mongo);
      await rollups.build({ block: 10, kept: 0 });
      await ordersCollection(mongo.db).deleteOne({ number: Long.fromNumber(COUNT) });
      // As by an instance that read the orders before the last one was saved.
      await rollups.build({ block: 10, kept: 40 });
      expect((await rollups.kept()).get(10)).toBe(50);
    });

    it('is rebuilt after the rollups were dropped', async () => {
      const { ask } = new WatchedInstance(mongo);
      await ask();
      await rollupsCollection(mongo.db).drop();
      expect(await ask()).toEqual(await expected());
    });

    it('includes all orders that were saved before the request, and no others, while orders are being saved', async () => {
      const { ask } = new WatchedInstance(mongo);
      const [batches, size] = [8, 100];
      const total = COUNT + batches * size;
      await mongo.client.withSession(async (session) => reserveNumbers(mongo.db, batches * size, session));
      const coming = orderDocuments(batches * size, COUNT + 1);
      const query = 'groupBy=symbol,hour';
      for (let batch = 0; batch < batches; batch += 1) {
        // Consumers save orders in any sequence: each batch has orders of all blocks.
        const saved = coming.filter((_, at) => at % batches === batch);
        const before = COUNT + batch * size;
        const [during] = await Promise.all([ask(query), ordersCollection(mongo.db).insertMany(saved)]);
        expect(during.total.count).toBeGreaterThanOrEqual(before);
        expect(during.total.count).toBeLessThanOrEqual(before + size);
        expect(during.through).toBe(total);
        expect((await ask()).total.count).toBe(before + size);
      }
      expect(await ask(query)).toEqual(expectedSummary(await allOrders(mongo.db), query, total));
    });

    it('is reported as being prepared if the rollups take too long to build', async () => {
      // Every wait on this clock is over at once, so each update of the rollups takes too long.
      const late: Clock = {
        ...systemClock,
        after: (_, run) => {
          run();
          return () => undefined;
        },
      };
      const { rollups, ask } = new WatchedInstance(mongo, late);
      expect(await ask().catch((error: Problem) => error.code)).toBe('summary-being-prepared');
      await eventually('the rollups are built', async () => (await rollups.kept()).size === 11);
      expect(await new WatchedInstance(mongo).ask()).toEqual(await expected());
    });

    it('is prepared in the background before the first request', async () => {
      const { keeper, rollups, ask } = new WatchedInstance(mongo);
      await keptUntil(keeper, async () => (await rollups.kept()).size === 11);
      rollups.built.length = 0;
      expect(await ask()).toEqual(await expected());
      expect(rollups.built).toEqual([]);
    });

    it('follows the deletion of all orders of a block that is not full', async () => {
      const { ask } = new WatchedInstance(mongo);
      await ask();
      await ordersCollection(mongo.db).deleteMany({ number: { $gt: Long.fromNumber(1_000) } });
      expect(await ask()).toEqual(await expected());
    });

    it.each([
      '',
      'groupBy=hour',
      'groupBy=day',
      'groupBy=month',
      'groupBy=side,day&createdAt[lt]=1970-01-01T00:00:00Z',
    ])('is exact for the largest amounts, and correct before 1970: ?%s', async (query) => {
      const amount = moneyToDecimal128(MAX_AMOUNT);
      const createdAt = { $dateSubtract: { startDate: '$createdAt', unit: 'month', amount: 673 } };
      await ordersCollection(mongo.db).updateMany({}, [{ $set: { amount, createdAt } }]);
      expect(await new WatchedInstance(mongo).ask(query)).toEqual(await expected(query));
    });

    it('with too many groups is rejected', async () => {
      await ordersCollection(mongo.db).insertMany(
        orderDocuments(10_001, COUNT + 1).map((each, n) => Object.assign(each, { symbol: `S${n}`, accountId: 'a' })),
      );
      const { ask } = new WatchedInstance(mongo);
      expect(await ask('accountId=a&groupBy=symbol').catch((error: Problem) => error.code)).toBe('too-many-groups');
      expect((await ask('accountId=a&groupBy=side')).total.count).toBe(10_001);
    });
  });
}

async function keptUntil(keeper: RollupKeeper, isDone: () => boolean | Promise<boolean>): Promise<void> {
  keeper.onApplicationBootstrap();
  try {
    await eventually('the keeper has made the rollups', isDone);
  } finally {
    await keeper.onModuleDestroy();
  }
}
