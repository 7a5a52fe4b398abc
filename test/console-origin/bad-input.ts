import { gzipSync } from 'node:zlib';
import { beforeAll, expect, it } from '@jest/globals';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { OrdersPage } from '../../apps/query-api/src/paging/orders-page.js';
import { TestSystem } from '../support/test-system.js';
import type { Answer } from '../support/tested-stack.js';
import { quietKafka, recordsOn } from '../support/topic-writer.js';

interface ProblemBody {
  readonly type: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly { field: string }[];
}

/** Checks the members that every problem must have. @returns the invalid fields that it names */
function invalidFields({ status, headers, body }: Answer<ProblemBody>): string[] {
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({
    status,
    type: expect.stringMatching(/^urn:orders:problem:/),
    detail: expect.any(String),
  });
  expect(JSON.stringify(body)).not.toMatch(/node_modules|at async|Mongo/);
  return (body.errors ?? []).map(({ field }) => field);
}

const JSON_TYPE = { 'content-type': 'application/json' };
const UNKNOWN = '01935c9e-8a00-7000-8000-000000000001';

/** @param shared returns the pipeline that these specs share with others */
export function badInputSpecs(shared: () => TestSystem): void {
  let pipeline: TestSystem;

  beforeAll(async () => {
    pipeline = shared();
    await pipeline.allSaved((await pipeline.populate({ count: 30, seed: 1 })).id);
  });

  async function recordsOnTopic(): Promise<number> {
    return recordsOn(quietKafka(pipeline.brokers), ORDERS_TOPIC);
  }

  it.each<[string, unknown, string[]]>([
    ['count 0', { count: 0 }, ['count']],
    ['a negative count', { count: -1 }, ['count']],
    ['count 1.5', { count: 1.5 }, ['count']],
    ['count 10,000,001', { count: 10_000_001 }, ['count']],
    ['count as text', { count: '100' }, ['count']],
    ['no count', {}, ['count']],
    ['an unknown field', { count: 1, cuont: 2 }, ['cuont']],
    ['several bad fields at once', { count: 0, seed: -1, chunkSize: 0 }, ['count', 'seed', 'chunkSize']],
    ['a body that is not an object', [1], ['body']],
    ['a body that is null', null, ['body']],
  ])('populate rejects %s with 400 and names the field', async (_, body, fields) => {
    const answer = await pipeline.post<ProblemBody>('/v1/populate', body);
    expect(answer.status).toBe(400);
    expect([...new Set(invalidFields(answer))]).toEqual(fields);
  });

  it.each<[string, string, number, string[]]>([
    ['broken JSON', '{"count": 1', 400, []],
    ['an empty body', '', 400, ['body']],
    ['a body with __proto__', '{"count": 1, "__proto__": {"x": 1}}', 400, []],
    ['a body of 20 MB', JSON.stringify({ count: 1, seed: 'x'.repeat(20_000_000) }), 413, []],
  ])('populate rejects %s, directly and through the console', async (_, body, status, fields) => {
    for (const url of [pipeline.producerUrl, pipeline.consoleUrl]) {
      const response = await fetch(`${url}/v1/populate`, { method: 'POST', headers: JSON_TYPE, body });
      const answer = { status, headers: response.headers, body: (await response.json()) as ProblemBody };
      expect([response.status, invalidFields(answer)]).toEqual([status, fields]);
    }
  });

  it.each<[number, string, 'producerUrl' | 'consoleUrl']>([
    [404, `/v1/operations/${UNKNOWN}/pause`, 'producerUrl'],
    [404, `/v1/operations/${UNKNOWN}/pause`, 'consoleUrl'],
    [404, `/v1/operations/${UNKNOWN}/reconcile`, 'producerUrl'],
    [400, '/v1/pipeline/consumers', 'consoleUrl'],
  ])('an empty body with the content type JSON returns %i at %s of %s', async (status, path, service) => {
    const response = await fetch(`${pipeline[service]}${path}`, { method: 'POST', headers: JSON_TYPE });
    const { errors = [] } = (await response.json()) as ProblemBody;
    expect([response.status, errors.map(({ field }) => field)]).toEqual([status, status === 400 ? ['body'] : []]);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded'])(
    'populate rejects a body of %s with 415',
    async (type) => {
      const init = { method: 'POST', headers: { 'content-type': type }, body: 'count=1' };
      const response = await fetch(`${pipeline.producerUrl}/v1/populate`, init);
      const { status, detail } = (await response.json()) as ProblemBody;
      expect([status, detail]).toEqual([415, `The Content-Type must be application/json, got ${type}.`]);
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    },
  );

  it.each(['gzip', 'br', 'deflate'])('a body compressed by %s is rejected at once', async (coding) => {
    const response = await fetch(`${pipeline.producerUrl}/v1/populate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': coding },
      body: gzipSync('{"count": 1}'),
    });
    expect(response.status).toBe(415);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  it('none of these requests produced an order or reserved a number', async () => {
    expect(await recordsOnTopic()).toBe(30);
    const next = await pipeline.populate({ count: 1 });
    expect(next.firstNumber).toBe(31);
    await pipeline.allSaved(next.id);
  });

  it.each<[string, string[]]>([
    ['/v1/orders?page=0', ['page']],
    ['/v1/orders?page=-1', ['page']],
    ['/v1/orders?page=1.5', ['page']],
    ['/v1/orders?page=9007199254740992', ['page']],
    ['/v1/orders?page=1&page=2', ['page']],
    ['/v1/orders?page[gte]=1', ['page']],
    ['/v1/orders?pageSize=0', ['pageSize']],
    ['/v1/orders?pageSize=100000', ['pageSize']],
    ['/v1/orders?page=1&pageToken=x', ['pageToken']],
    ['/v1/orders?pageToken=%00', ['pageToken']],
    ['/v1/orders?unheardOf=1', ['unheardOf']],
    [`/v1/orders?${'a&'.repeat(5_000)}`, ['a']],
    ['/v1/orders?accountId[$ne]=', ['accountId']],
    ['/v1/orders?accountId=a&accountId=b', ['accountId']],
    ['/v1/orders?__proto__=1', ['__proto__']],
    ['/v1/orders?__proto__[page]=1', ['__proto__']],
    ['/v1/orders?constructor=1', ['constructor']],
    ['/v1/orders?number[__proto__]=1', ['number[__proto__]']],
    ['/v1/orders?number[$gt]=1', ['number[$gt]']],
    ['/v1/orders?number[gte]=1e6&number[lte]=5', ['number[gte]']],
    ['/v1/orders?number[gte]=9007199254740993', ['number[gte]']],
    ['/v1/orders?number[gte]=2&number[lte]=1', ['number']],
    ['/v1/orders?symbol=a%00b', ['symbol']],
    ['/v1/orders?symbol=%ff', []],
    [`/v1/orders?symbol=${'x'.repeat(10_000)}`, ['symbol']],
    ['/v1/orders?createdAt[gte]=31.01.2026', ['createdAt[gte]']],
    ['/v1/orders?createdAt[gte]=10000-01-01T00:00:00Z', ['createdAt[gte]']],
    [`/v1/orders?amount[gte]=${'9'.repeat(40)}`, ['amount[gte]']],
    ['/v1/orders?amount[gte]=1e308', ['amount[gte]']],
    ['/v1/orders?sort=price', ['sort']],
    ['/v1/orders?currency=USD', ['currency']],
    ['/v1/orders?side=buy', ['side']],
    ['/v1/orders?pageSize=1e6', ['pageSize']],
    ['/v1/orders?page=100,000', ['page']],
    ['/v1/orders?count=all', ['count']],
    ['/v1/orders?accountId=a&symbol=ACME', []],
    ['/v1/orders?accountId=a&page=101&pageSize=100', []],
    ['/v1/orders/export', ['format']],
    ['/v1/orders/export?format=xml', ['format']],
    ['/v1/orders/export?format=csv&page=1', ['page']],
    ['/v1/orders/export?format=csv&after=01935c9e-8a00-7000-8000-000000000001', ['after']],
    ['/v1/orders/01935c9e-8a00-7000-8000-000000000001?waitMs=10001', ['waitMs']],
    ['/v1/orders/01935c9e-8a00-7000-8000-000000000001?waitMs=-1', ['waitMs']],
    ['/v1/orders/not-a-uuid', ['id']],
    ['/v1/orders/%', []],
    ['/v1/orders/range?from=1', ['to']],
    ['/v1/orders/range?to=1', ['from']],
    ['/v1/orders/range?from=2&to=1', ['from']],
    ['/v1/orders/range?from=0&to=1', ['from']],
    ['/v1/orders/range?from=1e6&to=5', ['from']],
    ['/v1/orders/range?from=1&to=x', ['to']],
  ])('the query API rejects %s with 400 and names the parameter', async (path, fields) => {
    const answer = await pipeline.get<ProblemBody>(path);
    expect(answer.status).toBe(400);
    expect(invalidFields(answer)).toEqual(fields);
  });

  it.each<[string, unknown, string[]]>([
    ['no ids', {}, ['ids']],
    ['an empty list', { ids: [] }, ['ids']],
    ['an id that is not a UUID', { ids: ['x'] }, ['ids.0']],
    ['too many ids', { ids: Array.from({ length: 1_001 }, () => crypto.randomUUID()) }, ['ids']],
    ['operators', { ids: { $ne: null } }, ['ids']],
    ['a list nested 10,000 levels deep', `{"ids": ${'['.repeat(10_000)}${']'.repeat(10_000)}}`, ['ids']],
    ['another field', { ids: [crypto.randomUUID()], where: '1' }, ['where']],
  ])('the query API rejects a batch-get of %s with 400 and names the field', async (_, body, fields) => {
    const response = await fetch(`${pipeline.queryApiUrl}/v1/orders/batch-get`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const answer = {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as ProblemBody,
    };
    expect([answer.status, invalidFields(answer)]).toEqual([400, fields]);
  });

  it('an unsupported method returns 405, an oversized query string 431', async () => {
    const put = await fetch(`${pipeline.queryApiUrl}/v1/orders`, { method: 'PUT' });
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(put.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const oversized = await fetch(`${pipeline.queryApiUrl}/v1/orders?symbol=${'x'.repeat(70_000)}`);
    expect(oversized.status).toBe(431);
  });

  it('a deep page of a filtered order query is rejected with a link for cursor pagination', async () => {
    const { body } = await pipeline.get<ProblemBody & { code: string; walk: string }>(
      '/v1/orders?sort=-amount&page=11&pageSize=1000',
    );
    expect([body.status, body.code, body.walk]).toEqual([
      400,
      'page-too-deep',
      '/v1/orders?sort=-amount&pageSize=1000',
    ]);
    expect((await pipeline.get(body.walk)).status).toBe(200);
  });

  it('the query API rejects a page token with any character changed', async () => {
    const { body } = await pipeline.get<OrdersPage>('/v1/orders?pageSize=10');
    const token = new URL(body.page.next ?? '', 'http://x').searchParams.get('pageToken') ?? '';
    for (let at = 0; at < token.length; at += 1) {
      const forged = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      const answer = await pipeline.get<ProblemBody>(`/v1/orders?pageToken=${forged}`);
      expect([answer.status, invalidFields(answer)]).toEqual([400, ['pageToken']]);
    }
  });

  it.each([
    '/v1/orders/01935c9e-8a00-7000-8000-000000000001',
    '/v1/orders/00000000-0000-0000-0000-000000000000',
    '/v1/nothing',
  ])('the query API returns 404 for %s', async (path) => {
    const answer = await pipeline.get<ProblemBody>(path);
    expect(answer.status).toBe(404);
    invalidFields(answer);
  });

  it.each<[string, number]>([
    ['01935c9e-8a00-7000-8000-000000000001', 404],
    ['nonsense', 400],
  ])('for the unknown operation %s, the producer returns %i', async (id, status) => {
    const response = await fetch(`${pipeline.producerUrl}/v1/operations/${id}`);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });
}
