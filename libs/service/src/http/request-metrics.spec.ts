import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fastify as makeFastify, type FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { measureRequests } from './request-metrics.js';

describe('request metrics', () => {
  let fastify: FastifyInstance;
  let registry: Registry;

  beforeEach(() => {
    fastify = makeFastify();
    registry = new Registry();
    measureRequests(fastify, registry);
    fastify.get('/orders/:id', () => ({ order: 1 }));
    fastify.get('/refused/:status', (request, reply) =>
      reply.status(Number((request.params as { status: string }).status)).send(),
    );
  });

  afterEach(async () => {
    await fastify.close();
  });

  async function lines(name: string): Promise<string[]> {
    return (await registry.metrics()).split('\n').filter((line) => line.startsWith(name));
  }

  it('are labelled by route pattern, not by id', async () => {
    for (const id of ['1', '2', '3']) await fastify.inject(`/orders/${id}?waitMs=${id}`);
    expect(await lines('http_request_duration_seconds_count')).toEqual([
      'http_request_duration_seconds_count{method="GET",route="/orders/:id",status="2xx"} 3',
    ]);
    const [sum = ''] = await lines('http_request_duration_seconds_sum');
    expect(Number(sum.split(' ')[1])).toBeGreaterThan(0);
  });

  it('have one series for all unknown paths, and one for all unusual methods', async () => {
    await fastify.inject('/none');
    await fastify.inject('/none/at/all');
    for (const method of ['PROPFIND', 'MKCOL'] as const)
      await fastify.inject({ method: method as 'GET', url: '/none' });
    expect(await lines('http_request_duration_seconds_count')).toEqual([
      'http_request_duration_seconds_count{method="GET",route="none",status="4xx"} 2',
      'http_request_duration_seconds_count{method="other",route="none",status="4xx"} 2',
    ]);
  });

  it('count rejected requests from 0 on, and no other failures', async () => {
    for (const status of [401, 403, 403, 429, 404, 503]) await fastify.inject(`/refused/${status}`);
    expect(await lines('http_requests_refused_total')).toEqual([
      'http_requests_refused_total{status="401"} 1',
      'http_requests_refused_total{status="403"} 2',
      'http_requests_refused_total{status="421"} 0',
      'http_requests_refused_total{status="429"} 1',
    ]);
  });
});
