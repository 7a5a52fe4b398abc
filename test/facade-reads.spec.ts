import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import type { LegacyOrder } from '#orders/order/order.js';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import type { ThreadedComparer } from '../apps/facade/src/comparison/comparer.js';
import { eventually } from './support/eventually.js';
import { ask, away, errorOf } from './support/facade-requests.js';
import { FacadeSurroundings, NOWHERE, ordersIn, ZONE } from './support/facade-surroundings.js';

describe('the reads of the facade', () => {
  let around: FacadeSurroundings;
  let comparer: ThreadedComparer;

  beforeAll(async () => {
    around = await FacadeSurroundings.start();
    // Compiled, because its thread runs outside of Jest.
    const compiled = join(PROJECT_DIRECTORY, 'dist/apps/facade/src/comparison/comparer.js');
    const module = (await import(compiled)) as { readonly ThreadedComparer: typeof ThreadedComparer };
    comparer = new module.ThreadedComparer(ZONE.name);
  });
  afterEach(async () => around.reset());
  afterAll(async () => {
    await comparer.close();
    await around.end();
  });

  describe('with the real legacy system', () => {
    it.each(['off', 'shadow', 'live', 'complete'] as const)(
      'in %s, every answer is that of the legacy system',
      async (stage) => {
        const facade = await around.open();
        facade.enter(stage);
        for (const path of pathsOf(around.records))
          expect({ path, ...(await ask(facade, path)) }).toEqual({ path, ...(await ask(around.legacy, path)) });
      },
    );

    it('asks only the legacy system in off, and only the new side in complete', async () => {
      const facade = await around.open({ newUrl: NOWHERE });
      expect((await ask(facade, '/orders/page/1')).status).toBe(200);
      const complete = await around.open({ legacyUrl: NOWHERE });
      complete.enter('complete');
      expect((await ask(complete, '/orders/page/1')).status).toBe(200);
    });

    it('finds no difference, by id, page and range, also on the thread for large answers', async () => {
      const facade = await around.open({ comparer });
      for (const stage of ['shadow', 'live'] as const) {
        facade.enter(stage);
        const asked = [
          `/orders/${around.records[3]?.id}`,
          '/orders/unknown',
          '/orders/page/2',
          '/orders/range?start=500&end=2400',
        ];
        for (const path of asked) await ask(facade, path);
        const figures = async () => ({
          id: await facade.figuresOf('read-by-id'),
          page: await facade.figuresOf('read-by-page'),
          range: await facade.figuresOf('read-by-range'),
        });
        await eventually('all are compared', async () => {
          const { id, page, range } = await figures();
          return id.samples === 2 && page.samples === 1 && range.samples === 1;
        });
        const { id, page, range } = await figures();
        for (const each of [id, page, range]) {
          expect(each).toMatchObject({ mismatches: 0, failures: { legacy: 0, new: 0 } });
          expect(each.p99Ms.legacy).toBeGreaterThan(0);
          expect(each.p50Ms.new).toBeGreaterThan(0);
        }
        expect(id.requests).toEqual({ legacy: 2, new: 2 });
      }
      expect(await facade.mismatches.list({ limit: 10 })).toEqual([]);
    });

    it('stores a mismatch once, with its field, both values and both answers, and counts it', async () => {
      const facade = await around.open();
      facade.enter('shadow');
      const [order] = ordersIn((await around.legacy.get(`/orders/${around.records[11]?.id}`)).text) as [LegacyOrder];
      // No instrument has this symbol.
      around.imitated.save(order, { symbol: 'OTHER' });
      try {
        for (let at = 0; at < 2; at += 1) {
          await ask(facade, `/orders/${order.id}`);
          await ask(facade, '/orders/page/1');
        }
        await eventually('all are compared', async () => {
          const [id, page] = await Promise.all(
            (['read-by-id', 'read-by-page'] as const).map(async (each) => facade.figuresOf(each)),
          );
          return (id?.mismatches === 2 && page?.mismatches === 2) || { id, page };
        });
        const [first, ...others] = await facade.mismatches.list({ capability: 'read-by-id', limit: 10 });
        expect(others).toEqual([]);
        expect(first).toMatchObject({
          key: order.id,
          version: facade.version,
          recheck: 'differs',
          count: 2,
          paths: [{ path: 'symbol', legacy: JSON.stringify(order.symbol), new: '"OTHER"' }],
          legacyRaw: (await around.legacy.get(`/orders/${order.id}`)).text,
          newRaw: expect.stringContaining('"OTHER"'),
        });
        const all = await facade.mismatches.list({ limit: 1 });
        const next = await facade.mismatches.list({ limit: 1, after: all[0]?._id.toHexString() });
        const last = await facade.mismatches.list({ limit: 1, after: next[0]?._id.toHexString() });
        expect([...all, ...next, ...last].map(({ key }) => key).toSorted()).toEqual(
          [order.id, 'read-by-page:1'].toSorted(),
        );
        const page = [...all, ...next].find(({ key }) => key === 'read-by-page:1');
        expect(page?.paths).toEqual([
          { path: `${order.legacy.number}.symbol`, legacy: JSON.stringify(order.symbol), new: '"OTHER"' },
        ]);
      } finally {
        around.imitated.forget(order.id);
        around.imitated.save(order);
      }
    });
  });

  describe('with writes under way', () => {
    it('waits for what a read may ask for, and otherwise answers 503', async () => {
      const facade = await around.open();
      const final = Promise.withResolvers<void>();
      facade.untilReadable = async () => final.promise;
      const waiting = ask(facade, '/orders/page/1');
      let isAnswered = false;
      void waiting.then(() => (isAnswered = true));
      await ask(around.legacy, '/orders/page/1');
      expect(isAnswered).toBe(false);
      final.resolve();
      expect((await waiting).status).toBe(200);
      facade.untilReadable = async () => {
        throw Object.assign(new Error('writes are open'), { code: 'still-open' });
      };
      expect(await errorOf(facade, '/orders/page/1')).toEqual(away('still-open'));
    });

    it('answers 503 while the stage is unknown', async () => {
      const facade = await around.open();
      facade.untilKnown = async () => {
        throw Object.assign(new Error('MongoDB is away'), { code: 'state-unknown' });
      };
      expect(await errorOf(facade, '/orders/page/1')).toEqual(away('state-unknown'));
    });

    it('answers without MongoDB: figures and mismatches wait for it', async () => {
      const unreachable = new MongoClient('mongodb://127.0.0.1:9/orders', { serverSelectionTimeoutMS: 50 });
      const facade = await around.open({ db: unreachable.db() });
      facade.enter('shadow');
      expect((await ask(facade, '/orders/page/1')).status).toBe(200);
      await expect(facade.observations.flush()).rejects.toThrow(/Server selection timed out|ECONNREFUSED/);
      await unreachable.close();
    });
  });
});

/** Requests with every kind of parameter, right and wrong. */
function pathsOf(records: readonly LegacyRecord[]): string[] {
  return [
    `/orders/${records[7]?.id}`,
    `/orders/${records[7]?.id.toUpperCase()}`,
    '/orders/unknown',
    `/orders/${'x'.repeat(1_000)}`,
    '/orders/a%2Fb%20%C3%BC',
    '/orders/page/1',
    '/orders/page/3',
    '/orders/page/4',
    '/orders/page/1000000',
    '/orders/page/0',
    '/orders/page/1000001',
    '/orders/page/1e3',
    '/orders/range?start=1&end=1',
    '/orders/range?start=990&end=1010',
    '/orders/range?start=1&end=1000000000',
    '/orders/range?start=5000&end=6000',
    '/orders/range?start=7&end=6',
    '/orders/range?start=7',
    '/orders/range',
    '/orders/range?start=a&end=b',
    '/orders/range?start=1&end=9999999999',
  ];
}
