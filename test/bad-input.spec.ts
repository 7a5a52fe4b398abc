import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ORDERS_TOPIC } from '#orders/topics.js';
import type { OrdersPage } from '../apps/query-api/src/paging/orders-page.js';
import { Pipeline, type Answer } from './support/pipeline.js';
import { quietKafka, recordsOn } from './support/topic-writer.js';

interface ProblemBody {
  readonly type: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly { field: string }[];
}

/** What a problem must have, whatever went wrong. @returns the fields that it blames */
function fieldsBlamed({ status, headers, body }: Answer<ProblemBody>): string[] {
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({
    status,
    type: expect.stringMatching(/^urn:orders:problem:/),
    detail: expect.any(String),
  });
  expect(JSON.stringify(body)).not.toMatch(/node_modules|at async|Mongo/);
  return (body.errors ?? []).map(({ field }) => field);
}

describe('bad input', () => {
  let pipeline: Pipeline;

  beforeAll(async () => {
    pipeline = await Pipeline.start('--save-ms', '0..1');
    const operation = await pipeline.populate({ count: 30, seed: 1 });
    await pipeline.allSaved(operation.id, 30_000);
  }, 180_000);

  afterAll(async () => {
    await pipeline.end();
  }, 60_000);

  async function recordsOnTopic(): Promise<number> {
    return recordsOn(quietKafka(pipeline.stack.brokers), ORDERS_TOPIC);
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
    ['a body that is no object', [1], ['body']],
    ['a body that is null', null, ['body']],
  ])('populate refuses %s with 400 and names it', async (_, body, fields) => {
    const answer = await pipeline.post<ProblemBody>('/v1/populate', body);
    expect(answer.status).toBe(400);
    expect([...new Set(fieldsBlamed(answer))]).toEqual(fields);
  });

  it.each<[string, string, number]>([
    ['broken JSON', '{"count": 1', 400],
    ['an empty body', '', 400],
    ['a body with __proto__', '{"count": 1, "__proto__": {"x": 1}}', 400],
    ['a body of 2 MB', JSON.stringify({ count: 1, seed: 'x'.repeat(2_000_000) }), 413],
  ])('populate refuses %s', async (_, body, status) => {
    const answer = await pipeline.post<ProblemBody>('/v1/populate', body);
    expect(answer.status).toBe(status);
    fieldsBlamed(answer);
  });

  it('populate refuses a body that is not JSON with 415', async () => {
    const response = await fetch(`${pipeline.stack.producerUrl}/v1/populate`, { method: 'POST', body: 'count=1' });
    expect(response.status).toBe(415);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  it('nothing of all that was produced, and no number was reserved', async () => {
    expect(await recordsOnTopic()).toBe(30);
    const next = await pipeline.populate({ count: 1 });
    expect(next.firstNumber).toBe(31);
    await pipeline.allSaved(next.id, 30_000);
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
    ['/v1/orders?accountId[$ne]=', ['accountId']],
    ['/v1/orders/not-a-uuid', ['id']],
    ['/v1/orders/%', []],
    ['/v1/orders/range?from=1', ['to']],
    ['/v1/orders/range?to=1', ['from']],
    ['/v1/orders/range?from=2&to=1', ['from']],
    ['/v1/orders/range?from=0&to=1', ['from']],
    ['/v1/orders/range?from=1&to=x', ['to']],
  ])('the query API refuses %s with 400 and names it', async (path, fields) => {
    const answer = await pipeline.get<ProblemBody>(path);
    expect(answer.status).toBe(400);
    expect(fieldsBlamed(answer)).toEqual(fields);
  });

  it('the query API refuses a token with any character changed', async () => {
    const { body } = await pipeline.get<OrdersPage>('/v1/orders?pageSize=10');
    const token = new URL(body.page.next ?? '', 'http://x').searchParams.get('pageToken') ?? '';
    for (let at = 0; at < token.length; at += 1) {
      const forged = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      const answer = await pipeline.get<ProblemBody>(`/v1/orders?pageToken=${forged}`);
      expect([answer.status, fieldsBlamed(answer)]).toEqual([400, ['pageToken']]);
    }
  });

  it.each([
    '/v1/orders/01935c9e-8a00-7000-8000-000000000001',
    '/v1/orders/00000000-0000-0000-0000-000000000000',
    '/v1/nothing',
    '/',
  ])('the query API answers %s with 404', async (path) => {
    const answer = await pipeline.get<ProblemBody>(path);
    expect(answer.status).toBe(404);
    fieldsBlamed(answer);
  });

  it.each<[string, number]>([
    ['01935c9e-8a00-7000-8000-000000000001', 404],
    ['nonsense', 400],
  ])('the producer answers the unknown operation %s with %i', async (id, status) => {
    const response = await fetch(`${pipeline.stack.producerUrl}/v1/operations/${id}`);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });
});
