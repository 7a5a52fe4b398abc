import { beforeAll, describe, expect, it } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import type { OrderResponse } from '#orders/order/order-response.js';
import type { OrdersPage } from '../../apps/query-api/src/paging/orders-page.js';
import { eventually } from '../support/eventually.js';
import { BrowsedPipeline } from './browsed-pipeline.js';
import { SwaggerPage } from './swagger-page.js';

const SECRET = 'orders-demo-secret';
const COUNT = 40;

describe('Swagger UI, with a development issuer', () => {
  const real = BrowsedPipeline.forSuite('--auth', '--save-ms', '0..1');
  let context: BrowserContext;
  const hosts = new Set<string>();
  const failures: string[] = [];

  beforeAll(async () => {
    context = await real.browser.newContext();
    context.on('request', (request) => void hosts.add(new URL(request.url()).hostname));
    context.on('requestfailed', (request) => void failures.push(request.url()));
  });

  it('populates through the producer, with client credentials', async () => {
    const producer = await SwaggerPage.open(context, `${real.pipeline.producerUrl}/docs`);
    expect((await producer.execute('post', '/v1/populate', { body: `{"count": ${COUNT}}` })).status).toBe('401');
    const authorized = await SwaggerPage.open(context, `${real.pipeline.producerUrl}/docs`);
    await authorized.authorizeClient(SECRET);
    const { status, body } = await authorized.execute('post', '/v1/populate', { body: `{"count": ${COUNT}}` });
    expect([status, body]).toEqual(['202', expect.objectContaining({ count: COUNT, firstNumber: 1 })]);
    const orders = real.pipeline.db.collection('orders');
    await eventually('all orders are saved', async () => (await orders.countDocuments()) === COUNT);
  });

  it('reads orders by id, page and range, after a login', async () => {
    const queryApi = await SwaggerPage.open(context, `${real.pipeline.queryApiUrl}/docs`);
    await queryApi.logIn(SECRET, 'ada');
    const page = await queryApi.execute('get', '/v1/orders', { page: '2', pageSize: '10' });
    expect(page).toMatchObject({ status: '200' });
    const { items } = page.body as OrdersPage;
    expect([page.status, items.map(({ number }) => number)]).toEqual(['200', numbers(11, 20)]);
    const range = await queryApi.execute('get', '/v1/orders/range', { from: '7', to: '9' });
    expect([range.status, (range.body as OrdersPage).items.map(({ number }) => number)]).toEqual(['200', [7, 8, 9]]);
    const order = await queryApi.execute('get', '/v1/orders/{id}', { id: String(items[0]?.id) });
    expect([order.status, (order.body as OrderResponse).number]).toEqual(['200', 11]);
  });

  it('sends requests to this machine only', () => {
    expect([...hosts].toSorted()).toEqual(['127.0.0.1', 'localhost']);
    expect(failures).toEqual([]);
  });
});

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}
