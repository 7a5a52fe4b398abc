import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { UUID } from 'mongodb';
import { ordersCollection } from '#orders/orders-collection.js';
import type { OrderTrace } from '../apps/query-api/src/trace/order-trace.js';
import { eventually } from './support/eventually.js';
import { Pipeline, type PopulateResponse } from './support/pipeline.js';

describe('the origin of the console', () => {
  let pipeline: Pipeline;

  beforeAll(async () => {
    pipeline = await Pipeline.start('--save-ms', '0..1');
  }, 180_000);

  afterAll(async () => {
    await pipeline.end();
  }, 60_000);

  async function ask(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${pipeline.stack.consoleUrl}${path}`, init);
  }

  it('serves the page, which a browser keeps and asks again for', async () => {
    const page = await ask('/');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const scripts = [...(await page.text()).matchAll(/(?:src|href)="(?<file>[^"]+)"/g)];
    for (const { groups } of scripts) expect((await ask(`/${groups?.['file']}`)).status).toBe(200);
    // As a browser asks: of itself `fetch` would say that it wants no copy.
    const headers = { 'if-none-match': page.headers.get('etag') ?? '', 'cache-control': 'max-age=0' };
    expect((await ask('/', { headers })).status).toBe(304);
    expect((await ask('/../package.json')).status).toBe(404);
    expect((await ask('/nothing.js')).headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  it('passes on what is the producer’s and the query API’s, with the answers as they are', async () => {
    const populated = await ask('/v1/populate', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ count: 2_500 }),
    });
    const { id } = (await populated.json()) as PopulateResponse;
    expect([populated.status, populated.headers.get('location')]).toEqual([202, `/v1/operations/${id}`]);
    await pipeline.allSaved(id, 30_000);
    const orders = await ask('/v1/orders?page=2&pageSize=3');
    expect(await orders.json()).toMatchObject({ items: [{ number: 4 }, { number: 5 }, { number: 6 }] });
    expect(orders.headers.get('link')).toContain('rel="next"');
    const refused = await ask('/v1/orders?page=0');
    expect([refused.status, refused.headers.get('content-type')]).toEqual([
      400,
      'application/problem+json; charset=utf-8',
    ]);
    const form = new FormData();
    form.append('files', new Blob(['[{"id":"970844c7-0d33-42a3-ba87-0000000f1266","number":7}]']), 'a.json');
    expect((await ask('/v1/imports', { method: 'POST', body: form })).status).toBe(202);
  }, 60_000);

  it('passes events on as they come, and ends with them', async () => {
    const { id } = await pipeline.populate({ count: 100 });
    const response = await ask(`/v1/operations/${id}/events`, { headers: { 'accept-encoding': 'gzip, br' } });
    const seen: (string | undefined)[] = [];
    const events = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const { event } of events ?? []) seen.push(event);
    expect(seen.at(-1)).toBe('done');
  }, 30_000);

  it('tells how an order came to be where it is', async () => {
    const { id, firstNumber } = await pipeline.populate({ count: 3_000, chunkSize: 1_000 });
    await pipeline.allSaved(id, 30_000);
    const range = await ask(`/v1/orders/range?from=${firstNumber + 1_500}&to=${firstNumber + 1_500}`);
    const { items } = (await range.json()) as { items: { id: string }[] };
    const trace = (await (await ask(`/v1/orders/${items[0]?.id}/trace`)).json()) as OrderTrace;
    expect(trace).toMatchObject({ operationId: id, index: 1_500, chunk: { from: 1_000, to: 1_999 }, attempts: 1 });
    const order = await ordersCollection(pipeline.db).findOne({ _id: new UUID(trace.id) });
    expect([order?.ingest.partition, Number(order?.ingest.offset)]).toEqual([trace.partition, trace.offset]);
    expect((await ask(`/v1/orders/${crypto.randomUUID()}/trace`)).status).toBe(404);
    expect((await ask('/v1/orders/17/trace')).status).toBe(400);
  }, 60_000);

  it('says which service does not answer, and passes on again when it does', async () => {
    process.kill(pipeline.stack.process('query-api').pid, 'SIGKILL');
    const refused: unknown[] = [];
    await eventually('it is missed', 10_000, async () => {
      const answer = await ask('/v1/orders?page=1');
      if (answer.status !== 200) refused.push(await answer.json());
      return refused.length > 0;
    });
    expect(refused).toMatchObject([
      { status: 503, code: 'service-away', detail: expect.stringContaining('query API') },
    ]);
    await eventually('it is back', 30_000, async () => (await ask('/v1/orders?page=1')).status === 200);
  }, 60_000);

  it('refuses what a foreign page asks of the others through it', async () => {
    const answer = await ask('/v1/operations', { headers: { origin: 'https://evil.example' } });
    expect(await answer.json()).toMatchObject({ status: 403, code: 'foreign-origin' });
  });
});
