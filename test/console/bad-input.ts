import { expect, it } from '@jest/globals';
import type { TestSystem } from '../support/test-system.js';
import type { Answer, PopulateResponse } from '../support/tested-stack.js';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { UUID } from 'mongodb';
import { ordersCollection } from '#orders/order/order-document.js';
import type { OrderTrace } from '../../apps/query-api/src/order-trace.controller.js';
import { IS_SECURED } from '../support/secured-mode.js';
import { gzipSync } from 'node:zlib';
import type { OrdersPage } from '../../apps/query-api/src/paging/orders-page.js';

type Service = 'producerUrl' | 'queryApiUrl' | 'consoleUrl';

interface ProblemBody {
  readonly type: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { field: string }[];
}

const JSON_TYPE = { 'content-type': 'application/json' };
/** The id of no operation and no order. */
const UNKNOWN = '01935c9e-8a00-7000-8000-000000000001';

/** Checks the members that every problem must have. @returns its status, and the invalid fields that it names */
function problemOf({ status, headers, body }: Answer<ProblemBody>): [number, string[]] {
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({
    status,
    type: expect.stringMatching(/^urn:orders:problem:/),
    detail: expect.any(String),
  });
  expect(JSON.stringify(body)).not.toMatch(/node_modules|at async|Mongo/);
  return [status, [...new Set((body.errors ?? []).map(({ field }) => field))]];
}

async function answered(response: Response): Promise<Answer<ProblemBody>> {
  const { status, headers } = response;
  return { status, headers, body: (await response.json()) as ProblemBody };
}

/** Sends requests to the services of a pipeline. */
class ServiceRequests {
  constructor(private readonly pipeline: () => TestSystem) {}

  async request(service: Service, path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.pipeline()[service]}${path}`, init);
  }

  /** Sends a body as it is, or as JSON. */
  async post(
    service: Service,
    path: string,
    body: unknown,
    headers: Record<string, string> = JSON_TYPE,
  ): Promise<Response> {
    const sent = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    return this.request(service, path, { method: 'POST', headers, body: sent });
  }
}

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
    expect(trace.steps.map(({ code }) => code)).toEqual(['requested', 'sent', 'started', 'saved']);
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

/**
 * A unit spec of each schema has all values that it rejects. These cases have one for each route, and what only a real server sees.
 * @param pipeline returns the pipeline that these specs share with others
 */
export function badInputSpecs(pipeline: () => TestSystem): void {
  const services = new ServiceRequests(pipeline);

  it.each<[string, unknown, number, string[]]>([
    ['several bad fields at once', { count: 0, seed: -1, cuont: 2 }, 400, ['count', 'seed', 'cuont']],
    ['a body that is not an object', [1], 400, ['body']],
    ['a body that is null', null, 400, ['body']],
    ['broken JSON', '{"count": 1', 400, []],
    ['an empty body', '', 400, ['body']],
    ['a body with __proto__', '{"count": 1, "__proto__": {"x": 1}}', 400, []],
    ['a body of 20 MB', JSON.stringify({ count: 1, seed: 'x'.repeat(20_000_000) }), 413, []],
  ])('populate rejects %s, directly and through the console', async (_, body, status, fields) => {
    for (const service of ['producerUrl', 'consoleUrl'] as const)
      expect(problemOf(await answered(await services.post(service, '/v1/populate', body)))).toEqual([status, fields]);
  });

  it.each([
    ['text/plain', 'count=1', {}, 'The Content-Type must be application/json, got text/plain.'],
    ['application/json', gzipSync('{"count": 1}'), { 'content-encoding': 'gzip' }, ''],
    ['application/json', gzipSync('{"count": 1}'), { 'content-encoding': 'br' }, ''],
    ['application/json', gzipSync('{"count": 1}'), { 'content-encoding': 'deflate' }, ''],
  ])('populate rejects a body of %s with 415: %j', async (type, body, coding, detail) => {
    const headers = { 'content-type': type, ...coding };
    const answer = await answered(await services.post('producerUrl', '/v1/populate', body, headers));
    expect(problemOf(answer)).toEqual([415, []]);
    expect(answer.body.detail).toContain(detail);
  });

  it.each<[number, string, Service]>([
    [404, `/v1/operations/${UNKNOWN}/pause`, 'producerUrl'],
    [404, `/v1/operations/${UNKNOWN}/pause`, 'consoleUrl'],
    [404, `/v1/operations/${UNKNOWN}/reconcile`, 'producerUrl'],
    [400, '/v1/pipeline/consumers', 'consoleUrl'],
  ])('an empty body with the content type JSON returns %i at %s of %s', async (status, path, service) => {
    const answer = await answered(await services.request(service, path, { method: 'POST', headers: JSON_TYPE }));
    expect(problemOf(answer)).toEqual([status, status === 400 ? ['body'] : []]);
  });

  it.each<[string, number, string[]]>([
    ['/v1/orders?page=1&page=2', 400, ['page']],
    ['/v1/orders?page[gte]=1', 400, ['page']],
    ['/v1/orders?page=1&pageToken=x', 400, ['pageToken']],
    ['/v1/orders?pageToken=%00', 400, ['pageToken']],
    ['/v1/orders?MANY', 400, ['a']],
    ['/v1/orders?accountId[$ne]=', 400, ['accountId']],
    ['/v1/orders?__proto__[page]=1', 400, ['__proto__']],
    ['/v1/orders?constructor=1', 400, ['constructor']],
    ['/v1/orders?number[__proto__]=1', 400, ['number[__proto__]']],
    ['/v1/orders?number[gte]=2&number[lte]=1', 400, ['number']],
    ['/v1/orders?symbol=%ff', 400, []],
    ['/v1/orders?symbol=LONG', 400, ['symbol']],
    ['/v1/orders?currency=USD', 400, ['currency']],
    ['/v1/orders?accountId=a&symbol=ACME', 400, []],
    ['/v1/orders?accountId=a&page=101&pageSize=100', 400, []],
    ['/v1/orders/export', 400, ['format']],
    ['/v1/orders/export?format=xml', 400, ['format']],
    ['/v1/orders/export?format=csv&page=1', 400, ['page']],
    [`/v1/orders/export?format=csv&after=${UNKNOWN}`, 400, ['after']],
    [`/v1/orders/${UNKNOWN}?waitMs=10001`, 400, ['waitMs']],
    [`/v1/orders/${UNKNOWN}?waitMs=-1`, 400, ['waitMs']],
    ['/v1/orders/not-a-uuid', 400, ['id']],
    ['/v1/orders/%', 400, []],
    ['/v1/orders/range?from=2&to=1', 400, ['from']],
    [`/v1/orders/${UNKNOWN}`, 404, []],
    ['/v1/orders/00000000-0000-0000-0000-000000000000', 404, []],
    ['/v1/nothing', 404, []],
  ])('the query API answers %s with %i and names the parameter', async (named, status, fields) => {
    const path = named.replace('MANY', 'a&'.repeat(5_000)).replace('LONG', 'x'.repeat(10_000));
    expect(problemOf(await pipeline().get<ProblemBody>(path))).toEqual([status, fields]);
  });

  it.each<[string, unknown, string[]]>([
    ['no ids', {}, ['ids']],
    ['an empty list', { ids: [] }, ['ids']],
    ['an id that is not a UUID', { ids: ['x'] }, ['ids.0']],
    ['too many ids', { ids: Array.from({ length: 1_001 }, () => crypto.randomUUID()) }, ['ids']],
    ['operators', { ids: { $ne: null } }, ['ids']],
    ['a list nested 10,000 levels deep', `{"ids": ${'['.repeat(10_000)}${']'.repeat(10_000)}}`, ['ids']],
    ['another field', { ids: [UNKNOWN], where: '1' }, ['where']],
  ])('the query API rejects a batch-get of %s with 400 and names the field', async (_, body, fields) => {
    const answer = await answered(await services.post('queryApiUrl', '/v1/orders/batch-get', body));
    expect(problemOf(answer)).toEqual([400, fields]);
  });

  it('an unsupported method returns 405, an oversized query string 431', async () => {
    const put = await answered(await services.request('queryApiUrl', '/v1/orders', { method: 'PUT' }));
    expect([problemOf(put), put.headers.get('allow')]).toEqual([[405, []], 'GET, HEAD']);
    expect((await services.request('queryApiUrl', `/v1/orders?symbol=${'x'.repeat(70_000)}`)).status).toBe(431);
  });

  it('a deep page of a filtered order query is rejected with a link for cursor pagination', async () => {
    const deep = '/v1/orders?sort=-amount&page=11&pageSize=1000';
    const { status, body } = await pipeline().get<ProblemBody & { walk: string }>(deep);
    const walk = '/v1/orders?sort=-amount&pageSize=1000';
    expect([status, body.code, body.walk]).toEqual([400, 'page-too-deep', walk]);
    expect((await pipeline().get(walk)).status).toBe(200);
  });

  it('the query API rejects a page token with any character changed', async () => {
    await pipeline().allSaved((await pipeline().populate({ count: 30 })).id);
    const { body } = await pipeline().get<OrdersPage>('/v1/orders?pageSize=10');
    const token = new URL(body.page.next ?? '', 'http://x').searchParams.get('pageToken') ?? '';
    for (let at = 0; at < token.length; at += 1) {
      const forged = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      const answer = await pipeline().get<ProblemBody>(`/v1/orders?pageToken=${forged}`);
      expect(problemOf(answer)).toEqual([400, ['pageToken']]);
    }
  });

  it.each([
    [UNKNOWN, 404, []],
    ['nonsense', 400, ['id']],
  ])('for the unknown operation %s, the producer returns %i', async (id, status, fields) => {
    expect(problemOf(await answered(await services.request('producerUrl', `/v1/operations/${id}`)))).toEqual([
      status,
      fields,
    ]);
  });
}
