import { expect, it } from '@jest/globals';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { UUID } from 'mongodb';
import { ordersCollection } from '#orders/order/order-document.js';
import type { OrderTrace } from '../../apps/query-api/src/order-trace.controller.js';
import { IS_SECURED } from '../support/secured-mode.js';
import type { TestSystem } from '../support/test-system.js';
import type { PopulateResponse } from '../support/tested-stack.js';
import { answered, problemOf, ServiceRequests } from './service-requests.js';

/** @param pipeline returns the pipeline that these specs share with others */
export function originSpecs(pipeline: () => TestSystem): void {
  const services = new ServiceRequests(pipeline);

  it('serves the page, which a browser caches and revalidates', async () => {
    const page = await services.request('consoleUrl', '/');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const scripts = [...(await page.text()).matchAll(/(?:src|href)="(?<file>[^"]+)"/g)];
    for (const { groups } of scripts)
      expect((await services.request('consoleUrl', `/${groups?.['file']}`)).status).toBe(200);
    // As a browser revalidates: by default, `fetch` would send `cache-control: no-cache`.
    const headers = { 'if-none-match': page.headers.get('etag') ?? '', 'cache-control': 'max-age=0' };
    expect((await services.request('consoleUrl', '/', { headers })).status).toBe(304);
    expect((await services.request('consoleUrl', '/../package.json')).status).toBe(404);
    expect(problemOf(await answered(await services.request('consoleUrl', '/nothing.js')))).toEqual([404, []]);
  });

  it('forwards requests to the producer and the query API, and returns their responses unchanged', async () => {
    const populated = await services.post('consoleUrl', '/v1/populate', { count: 10 });
    const { id, firstNumber } = (await populated.json()) as PopulateResponse;
    expect([populated.status, populated.headers.get('location')]).toEqual([202, `/v1/operations/${id}`]);
    await pipeline().allSaved(id);
    const to = firstNumber + 2;
    const orders = await services.request('consoleUrl', `/v1/orders/range?from=${firstNumber}&to=${to + 1}&pageSize=3`);
    const numbers = [firstNumber, firstNumber + 1, to].map((number) => ({ number }));
    expect(await orders.json()).toMatchObject({ items: numbers });
    expect(orders.headers.get('link')).toContain('rel="next"');
    expect(problemOf(await answered(await services.request('consoleUrl', '/v1/orders?page=0')))).toEqual([
      400,
      ['page'],
    ]);
    const form = new FormData();
    form.append('files', new Blob(['[{"id":"970844c7-0d33-42a3-ba87-0000000f1266","number":7}]']), 'a.json');
    expect((await services.request('consoleUrl', '/v1/imports', { method: 'POST', body: form })).status).toBe(202);
  });

  it('forwards server-sent events as they arrive, and ends with them', async () => {
    const { id } = await pipeline().populate({ count: 100 });
    const headers = { 'accept-encoding': 'gzip, br' };
    const { body } = await services.request('consoleUrl', `/v1/operations/${id}/events`, { headers });
    const seen: (string | undefined)[] = [];
    const events = body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const { event } of events ?? []) seen.push(event);
    expect(seen.at(-1)).toBe('done');
  });

  it('returns the trace of an order', async () => {
    const { id, firstNumber } = await pipeline().populate({ count: 300, chunkSize: 100 });
    await pipeline().allSaved(id);
    const number = firstNumber + 150;
    const range = await services.request('consoleUrl', `/v1/orders/range?from=${number}&to=${number}`);
    const { items } = (await range.json()) as { items: { id: string }[] };
    const trace = (await (
      await services.request('consoleUrl', `/v1/orders/${items[0]?.id}/trace`)
    ).json()) as OrderTrace;
    expect(trace).toMatchObject({ operationId: id, index: 150, chunk: { from: 100, to: 199 }, attempts: 1 });
    const order = await ordersCollection(pipeline().db).findOne({ _id: new UUID(trace.id) });
    expect([order?.ingest.partition, Number(order?.ingest.offset)]).toEqual([trace.partition, trace.offset]);
    expect((await services.request('consoleUrl', `/v1/orders/${crypto.randomUUID()}/trace`)).status).toBe(404);
    expect((await services.request('consoleUrl', '/v1/orders/17/trace')).status).toBe(400);
  });

  it('rejects requests of a foreign origin to the other services', async () => {
    const answer = await services.request('consoleUrl', '/v1/operations', {
      headers: { origin: 'https://evil.example' },
    });
    // A page of another origin has no token for a secured stack. This request has one.
    const { code } = (await answer.json()) as { code?: string };
    expect([answer.status, code]).toEqual(IS_SECURED ? [200, undefined] : [403, 'foreign-origin']);
  });
}
