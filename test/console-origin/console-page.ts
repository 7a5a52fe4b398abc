import { beforeAll, expect, it } from '@jest/globals';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { UUID } from 'mongodb';
import { ordersCollection } from '#orders/order/orders-collection.js';
import type { OrderTrace } from '../../apps/query-api/src/trace/order-trace.js';
import { TestSystem } from '../support/test-system.js';
import type { PopulateResponse } from '../support/tested-stack.js';

/** @param shared returns the pipeline that these specs share with others */
export function consolePageSpecs(shared: () => TestSystem): void {
  let pipeline: TestSystem;

  beforeAll(async () => {
    pipeline = shared();
  });

  async function request(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${pipeline.consoleUrl}${path}`, init);
  }

  it('serves the page, which a browser caches and revalidates', async () => {
    const page = await request('/');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const scripts = [...(await page.text()).matchAll(/(?:src|href)="(?<file>[^"]+)"/g)];
    for (const { groups } of scripts) expect((await request(`/${groups?.['file']}`)).status).toBe(200);
    // As a browser revalidates: by default, `fetch` would send `cache-control: no-cache`.
    const headers = { 'if-none-match': page.headers.get('etag') ?? '', 'cache-control': 'max-age=0' };
    expect((await request('/', { headers })).status).toBe(304);
    expect((await request('/../package.json')).status).toBe(404);
    expect((await request('/nothing.js')).headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  it('forwards requests to the producer and the query API, and returns their responses unchanged', async () => {
    const populated = await request('/v1/populate', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ count: 2_500 }),
    });
    const { id } = (await populated.json()) as PopulateResponse;
    expect([populated.status, populated.headers.get('location')]).toEqual([202, `/v1/operations/${id}`]);
    await pipeline.allSaved(id);
    const orders = await request('/v1/orders?page=2&pageSize=3');
    expect(await orders.json()).toMatchObject({ items: [{ number: 4 }, { number: 5 }, { number: 6 }] });
    expect(orders.headers.get('link')).toContain('rel="next"');
    const refused = await request('/v1/orders?page=0');
    expect([refused.status, refused.headers.get('content-type')]).toEqual([
      400,
      'application/problem+json; charset=utf-8',
    ]);
    const form = new FormData();
    form.append('files', new Blob(['[{"id":"970844c7-0d33-42a3-ba87-0000000f1266","number":7}]']), 'a.json');
    expect((await request('/v1/imports', { method: 'POST', body: form })).status).toBe(202);
  });

  it('forwards server-sent events as they arrive, and ends with them', async () => {
    const { id } = await pipeline.populate({ count: 100 });
    const response = await request(`/v1/operations/${id}/events`, { headers: { 'accept-encoding': 'gzip, br' } });
    const seen: (string | undefined)[] = [];
    const events = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const { event } of events ?? []) seen.push(event);
    expect(seen.at(-1)).toBe('done');
  });

  it('returns the trace of an order', async () => {
    const { id, firstNumber } = await pipeline.populate({ count: 3_000, chunkSize: 1_000 });
    await pipeline.allSaved(id);
    const range = await request(`/v1/orders/range?from=${firstNumber + 1_500}&to=${firstNumber + 1_500}`);
    const { items } = (await range.json()) as { items: { id: string }[] };
    const trace = (await (await request(`/v1/orders/${items[0]?.id}/trace`)).json()) as OrderTrace;
    expect(trace).toMatchObject({ operationId: id, index: 1_500, chunk: { from: 1_000, to: 1_999 }, attempts: 1 });
    const order = await ordersCollection(pipeline.db).findOne({ _id: new UUID(trace.id) });
    expect([order?.ingest.partition, Number(order?.ingest.offset)]).toEqual([trace.partition, trace.offset]);
    expect((await request(`/v1/orders/${crypto.randomUUID()}/trace`)).status).toBe(404);
    expect((await request('/v1/orders/17/trace')).status).toBe(400);
  });

  it('rejects requests of a foreign origin to the other services', async () => {
    const answer = await request('/v1/operations', { headers: { origin: 'https://evil.example' } });
    expect(await answer.json()).toMatchObject({ status: 403, code: 'foreign-origin' });
  });
}
