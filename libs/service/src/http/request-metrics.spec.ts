import { beforeEach, describe, expect, it } from '@jest/globals';
import { fastify as makeFastify, type FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { samples } from '../health/testing/samples.js';
import { measureRequests } from './request-metrics.js';

describe('request metrics', () => {
  let app: FastifyInstance;
  let registry: Registry;

  beforeEach(() => {
    app = makeFastify();
    registry = new Registry();
    measureRequests(app, registry);
    app.get('/orders/:id', () => ({ order: 1 }));
    app.get<{ Params: { status: string } }>('/refused/:status', ({ params }, reply) =>
      reply.status(Number(params.status)).send(),
    );
  });

  it('are labelled by route pattern, not by id', async () => {
    for (const id of ['1', '2', '3']) await app.inject(`/orders/${id}?waitMs=${id}`);
    expect(await samples(registry, 'http_request_duration_seconds_count')).toEqual([
      'http_request_duration_seconds_count{method="GET",route="/orders/:id",status="2xx"} 3',
    ]);
    const [sum = ''] = await samples(registry, 'http_request_duration_seconds_sum');
    expect(Number(sum.split(' ')[1])).toBeGreaterThan(0);
  });

  it('have one series for all unknown paths, and one for all unusual methods', async () => {
    for (const url of ['/none', '/none/at/all']) await app.inject(url);
    for (const method of ['PROPFIND', 'MKCOL']) await app.inject({ method: method as 'GET', url: '/none' });
    expect(await samples(registry, 'http_request_duration_seconds_count')).toEqual([
      'http_request_duration_seconds_count{method="GET",route="none",status="4xx"} 2',
      'http_request_duration_seconds_count{method="other",route="none",status="4xx"} 2',
    ]);
  });

  it('count rejected requests from 0 on, and no other failures', async () => {
    for (const status of [401, 403, 403, 429, 404, 503]) await app.inject(`/refused/${status}`);
    expect(await samples(registry, 'http_requests_refused_total')).toEqual([
      'http_requests_refused_total{status="401"} 1',
      'http_requests_refused_total{status="403"} 2',
      'http_requests_refused_total{status="421"} 0',
      'http_requests_refused_total{status="429"} 1',
    ]);
  });
});
