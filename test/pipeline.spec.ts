import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OrderResponse } from '#orders/order/order-response.js';
import type { OrdersPage } from '../apps/query-api/src/paging/orders-page.js';
import { ORDER_INDEXES } from '#orders/database/indexes.js';
import { eventually } from './support/eventually.js';
import { legacyPairs } from './support/sent-orders.js';
import {
  invalidExamples,
  type InvalidExample,
  examplePaths,
  executedExamples,
  openApiDocument,
  operationIds,
  type ExecutedExample,
} from './support/openapi-examples.js';
import { TestSystem } from './support/test-system.js';
import { expectedOrders, type PopulateResponse } from './support/tested-stack.js';
import { IS_SECURED } from './support/secured-mode.js';

const COUNT = 5_250;

/** The fields that depend on the seed alone. */
function drawn({ accountId, symbol, side, price, quantity }: OrderResponse): unknown {
  return [accountId, symbol, side, price, quantity];
}

/** Returns those of the orders that the first populate has generated. Other cases add more. */
function ofPopulate(pages: readonly OrderResponse[][]): OrderResponse[] {
  return pages.flat().filter(({ number }) => number <= COUNT);
}

describe('the pipeline from populate to query', () => {
  let pipeline: TestSystem;
  let operation: PopulateResponse;
  let expected: OrderResponse[];
  let importFolder: string;

  beforeAll(async () => {
    importFolder = await mkdtemp(join(tmpdir(), 'orders-import-'));
    pipeline = await TestSystem.start({ env: { IMPORT_DIR: importFolder }, flags: ['--save-ms', '0..300'] });
    operation = await pipeline.populate({ count: COUNT, seed: 42 });
    expected = expectedOrders(operation);
    await pipeline.allSaved(operation.id);
  });

  afterAll(async () => {
    await pipeline.stop();
    await rm(importFolder, { recursive: true, force: true });
  });

  it('runs only the apps, because Kafka, the registry and MongoDB are given', () => {
    const names = pipeline.processes().map(({ name }) => name);
    const own = IS_SECURED ? ['Kafka', 'MongoDB', 'issuer', 'schema registry'] : [];
    expect(names.toSorted()).toEqual([...own, 'console', 'consumer-1', 'producer', 'query-api'].toSorted());
  });

  it('accepts a populate as a running operation with a block of numbers', () => {
    expect(operation).toMatchObject({ kind: 'populate', status: 'running', seed: 42, count: COUNT, firstNumber: 1 });
  });

  it('ends with all orders generated, acknowledged and saved, and none dead-lettered', async () => {
    expect(await pipeline.operation(operation.id)).toMatchObject({
      status: 'succeeded',
      generated: COUNT,
      acked: COUNT,
      saved: COUNT,
      deadLettered: 0,
    });
    expect(await pipeline.db.collection('orders').countDocuments({ number: { $lte: COUNT } })).toBe(COUNT);
  });

  it('returns orders by their ids, exactly as generated', async () => {
    // Every order is compared below, page by page.
    for (const order of expected.filter((_, at) => at % 25 === 0)) {
      const { status, body } = await pipeline.get<OrderResponse>(`/v1/orders/${order.id}`);
      expect([status, body]).toEqual([200, order]);
    }
  });

  it('returns all orders in order by numbered pages, also from a middle page', async () => {
    expect(ofPopulate(await pipeline.walk('/v1/orders?page=1&pageSize=1000'))).toEqual(expected);
    const range = `/v1/orders/range?from=1&to=${COUNT}`;
    const pages = await pipeline.walk(`${range}&page=1&pageSize=1000`);
    expect(pages.map(({ length }) => length)).toEqual([1_000, 1_000, 1_000, 1_000, 1_000, 250]);
    const { body, headers } = await pipeline.get<OrdersPage>(`${range}&page=4&pageSize=50`);
    expect(body.items).toEqual(expected.slice(150, 200));
    expect(body.page).toEqual({
      number: 4,
      size: 50,
      next: `${range}&page=5&pageSize=50`,
      prev: `${range}&page=3&pageSize=50`,
      last: `${range}&page=105&pageSize=50`,
    });
    expect(headers.get('link')).toContain(`<${range}&page=5&pageSize=50>; rel="next"`);
  });

  it('returns all orders by cursor pagination, forward from the first page and backward from the last', async () => {
    const forward = await pipeline.walk('/v1/orders?pageSize=500');
    expect(ofPopulate(forward)).toEqual(expected);
    let last = '/v1/orders?pageSize=500';
    for (let next: string | undefined = last; next !== undefined;) {
      last = next;
      next = (await pipeline.get<OrdersPage>(last)).body.page.next;
    }
    const backward = await pipeline.walk(last, 'prev');
    expect(ofPopulate(backward.toReversed())).toEqual(expected);
  });

  it('returns any range of numbers, both ends included', async () => {
    const range = await pipeline.walk('/v1/orders/range?from=1234&to=3456&pageSize=1000');
    expect(range.flat()).toEqual(expected.slice(1_233, 3_456));
    const numbered = await pipeline.walk('/v1/orders/range?from=1234&to=3456&page=1&pageSize=700');
    expect(numbered.flat()).toEqual(expected.slice(1_233, 3_456));
    const { body } = await pipeline.get<OrdersPage>('/v1/orders/range?from=7&to=7');
    expect(body.items).toEqual([expected[6]]);
  });

  it('returns 200 and no orders for a page past the end', async () => {
    for (const path of [
      '/v1/orders?page=1000000',
      '/v1/orders?page=9007199254740991',
      '/v1/orders/range?from=999999&to=1000000',
    ]) {
      const { status, body } = await pipeline.get<OrdersPage>(path);
      expect([status, body.items]).toEqual([200, []]);
      expect(body.page.next).toBeUndefined();
    }
  });

  it('allows another page size during cursor pagination, but not another order query', async () => {
    const { body } = await pipeline.get<OrdersPage>('/v1/orders?pageSize=10');
    const token = new URL(body.page.next ?? '', 'http://x').searchParams.get('pageToken');
    const wider = await pipeline.get<OrdersPage>(`/v1/orders?pageToken=${token}&pageSize=20`);
    expect(wider.body.items).toEqual(expected.slice(10, 30));
    const other = await pipeline.get(`/v1/orders/range?from=1&to=100&pageToken=${token}`);
    expect(other.status).toBe(400);
  });

  it('generates the same accounts, symbols, prices and quantities from the same seed', async () => {
    const again = await pipeline.populate({ count: 100, seed: 42 });
    await pipeline.allSaved(again.id);
    const to = again.firstNumber + 99;
    const { body } = await pipeline.get<OrdersPage>(`/v1/orders/range?from=${again.firstNumber}&to=${to}`);
    expect(body.items.map(drawn)).toEqual(expected.slice(0, 100).map(drawn));
  });

  it('has exactly six indexes besides _id', async () => {
    const indexes = await pipeline.db.collection('orders').listIndexes().toArray();
    const names = indexes.map(({ name }) => String(name));
    expect(names.toSorted()).toEqual(['_id_', ...ORDER_INDEXES.map(({ name }) => name)].toSorted());
  });

  it('serves Swagger UI and OpenAPI 3.1 from its own origin only', async () => {
    for (const url of [pipeline.producerUrl, pipeline.queryApiUrl]) {
      const page = await (await fetch(`${url}/docs`)).text();
      const sources = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '');
      expect(sources.length).toBeGreaterThan(3);
      for (const source of sources) {
        expect(source).not.toMatch(/^(https?:)?\/\//);
        expect((await fetch(new URL(source, `${url}/docs`))).status).toBe(200);
      }
      expect((await openApiDocument(url)).openapi).toBe('3.1.0');
      const root = await fetch(`${url}/`, { redirect: 'manual' });
      expect([root.status, root.headers.get('location')]).toEqual([302, '/docs']);
    }
  });

  it('documents the routes of the mission first, with names that are unique and no reserved words', async () => {
    const [producer, queryApi] = await Promise.all([pipeline.producerUrl, pipeline.queryApiUrl].map(openApiDocument));
    const [ids, queryIds] = [producer, queryApi].map((document) => document && operationIds(document));
    expect(ids?.[0]).toBe('populate');
    expect(queryIds?.slice(0, 3)).toEqual(['listOrders', 'getOrder', 'listOrdersInRange']);
    for (const names of [ids, queryIds]) {
      expect(new Set(names).size).toBe(names?.length);
      // A verb and an object; populate is what its route is called.
      expect(names?.filter((name) => !/^(populate|[a-z]+([A-Z][a-z]+)+)$/.test(name))).toEqual([]);
    }
    expect(Object.keys(producer?.components.schemas ?? {})).toEqual(
      expect.arrayContaining(['Operation', 'OperationPage', 'PopulateRequest', 'Problem']),
    );
    expect(Object.keys(queryApi?.components.schemas ?? {})).toEqual(
      expect.arrayContaining(['Order', 'OrderPage', 'Problem', 'Summary', 'SupportedCombination']),
    );
  });

  async function answers(filters: readonly string[]): Promise<unknown[]> {
    const paths = filters.map((filter) => `/v1/orders?${filter}&page=1&pageSize=3`);
    return Promise.all(paths.map(async (path) => (await pipeline.get<OrdersPage>(path)).body));
  }

  it('finds a symbol and an account in any case, with or without surrounding spaces', async () => {
    const [exact, ...others] = await answers(['symbol=ACME', 'symbol=acme', 'symbol=%20Acme%20']);
    expect(exact).toMatchObject({ items: [{}, {}, {}] });
    expect(others).toEqual([exact, exact]);
    const accountId = expected[0]?.accountId ?? '';
    const [account, spaced] = await answers([`accountId=${accountId}`, `accountId=%20${accountId}%20`]);
    expect(account).toMatchObject({ items: expect.arrayContaining([expect.objectContaining({ accountId })]) });
    expect(spaced).toEqual(account);
    expect(await answers(['symbol=nosuch'])).toMatchObject([{ items: [] }]);
  });

  it('names the last page beyond it', async () => {
    // Orders of another case may still be saved.
    await eventually('both requests see the same orders', async () => {
      const { body } = await pipeline.get<OrdersPage>('/v1/orders?symbol=ACME&count=exact&pageSize=1');
      const pages = Math.ceil((body.total?.value ?? 0) / 7);
      const beyond = await pipeline.get<OrdersPage>(`/v1/orders?symbol=ACME&page=${pages + 2}&pageSize=7`);
      const last = `/v1/orders?symbol=ACME&page=${pages}&pageSize=7`;
      const end = { items: [], page: { number: pages + 2, size: 7, prev: last, last } };
      return isDeepStrictEqual(beyond.body, end) || beyond.body;
    });
    const { body: byNumber } = await pipeline.get<OrdersPage>('/v1/orders?page=100000&pageSize=100');
    expect(byNumber).toMatchObject({ items: [], page: { last: expect.stringMatching(/page=\d+&pageSize=100$/) } });
  });

  it('takes a date without a time as a whole day in UTC, at each end of a range', async () => {
    const day = String(expected.at(-1)?.createdAt).slice(0, 10);
    const within = await pipeline.walk(`/v1/orders?createdAt[gte]=${day}&createdAt[lte]=${day}&pageSize=1000`);
    expect(within.flat().filter(({ createdAt }) => !createdAt.startsWith(day))).toEqual([]);
    const before = await pipeline.walk(`/v1/orders?createdAt[lt]=${day}&pageSize=1000`);
    const after = await pipeline.walk(`/v1/orders?createdAt[gt]=${day}&pageSize=1000`);
    expect([within, before, after].flatMap(ofPopulate)).toHaveLength(COUNT);
    expect(ofPopulate(within).length).toBeGreaterThan(0);
  });

  it('executes every example of the OpenAPI documents', async () => {
    const { producerUrl, queryApiUrl } = pipeline;
    await mkdir(join(importFolder, '2026-01'));
    await writeFile(join(importFolder, '2026-01', 'orders.json'), JSON.stringify(legacyPairs(3)));
    const poisoned = await pipeline.populate({ count: 5, faults: { poison: 1 } });
    await pipeline.allEnded(poisoned.id);
    const executed: ExecutedExample[] = [];
    const ids = { order: expected[0]?.id ?? '', operation: operation.id };
    for (const url of [producerUrl, queryApiUrl])
      for await (const example of executedExamples(url, await openApiDocument(url), ids)) executed.push(example);
    expect(executed.filter(({ status, isDocumented }) => status >= 400 || !isDocumented)).toEqual([]);
    expect(executed.length).toBeGreaterThan(25);
    const links = examplePaths(await openApiDocument(queryApiUrl));
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) expect((await pipeline.get(link)).status).toBe(200);
  });

  it('answers a bad request as the example in the OpenAPI documents shows', async () => {
    const { producerUrl, queryApiUrl } = pipeline;
    const tried: InvalidExample[] = [];
    for (const url of [producerUrl, queryApiUrl])
      for await (const example of invalidExamples(url, await openApiDocument(url))) tried.push(example);
    const wrong = tried.filter(({ documented, named }) => !named.some((field) => isDeepStrictEqual(field, documented)));
    expect(wrong).toEqual([]);
    expect(tried.length).toBeGreaterThan(20);
  });
});
