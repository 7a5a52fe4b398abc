import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import makeFastify, { type FastifyInstance } from 'fastify';
import { separateAdminRoutes, ANSWER_WHILE_CLOSING, closeIdleConnections, connectionLimits } from './connections.js';
import { listening, withProblems, connected, requestBytes } from './testing/served-app.js';

async function status(port: number, path: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
}

describe('the admin port', () => {
  let app: FastifyInstance;
  let adminPort: number;
  let publicPort: number;

  beforeEach(async () => {
    app = withProblems(makeFastify());
    const admin = separateAdminRoutes(app, {});
    for (const path of ['/health/live', '/metrics', '/v1/orders', '/metricsx']) app.get(path, () => 'here');
    publicPort = await listening(app);
    adminPort = await admin.listen({ host: '127.0.0.1', port: 0 });
  });

  it.each([
    { path: '/health/live', onAdminPort: 200, onPublicPort: 404 },
    { path: '/metrics', onAdminPort: 200, onPublicPort: 404 },
    { path: '/metrics?name=x', onAdminPort: 200, onPublicPort: 404 },
    { path: '/v1/orders', onAdminPort: 404, onPublicPort: 200 },
    { path: '/metricsx', onAdminPort: 404, onPublicPort: 200 },
  ])('alone has health and metrics, and nothing else: $path', async ({ path, onAdminPort, onPublicPort }) => {
    expect(await status(adminPort, path)).toBe(onAdminPort);
    expect(await status(publicPort, path)).toBe(onPublicPort);
  });

  it('is closed with the service', async () => {
    await app.close();
    await expect(status(adminPort, '/health/live')).rejects.toThrow('fetch failed');
  });
});

it('keeps an idle connection 30 s longer than announced, so that a busy client sends no request while it closes', async () => {
  const fastify = makeFastify({ http: connectionLimits(30_000) });
  fastify.get('/quick', () => 'at once');
  await listening(fastify);
  const { accepted, begin } = await connected(fastify, requestBytes('GET /quick'));
  const announced = 1_000 * Number(/keep-alive: timeout=(\d+)/i.exec(await begin())?.[1]);
  expect(announced).toBeGreaterThan(0);
  expect(accepted.timeout).toBe(announced + 30_000);
});

describe('closeIdleConnections', () => {
  let fastify: FastifyInstance;
  let requested: PromiseWithResolvers<void>;
  let answer: PromiseWithResolvers<string>;
  let closing: PromiseWithResolvers<void>;
  let untilListenerCloses: Promise<void>;

  beforeEach(async () => {
    requested = Promise.withResolvers();
    answer = Promise.withResolvers();
    closing = Promise.withResolvers();
    untilListenerCloses = Promise.resolve();
    // As in the services: an idle connection stays open longer than any test.
    fastify = makeFastify({ ...ANSWER_WHILE_CLOSING, keepAliveTimeout: 72_000 });
    closeIdleConnections(fastify);
    fastify.addHook('preClose', async () => {
      closing.resolve();
      await untilListenerCloses;
    });
    fastify.get('/slow', async () => {
      requested.resolve();
      return answer.promise;
    });
    fastify.get('/quick', () => 'at once');
    await listening(fastify);
  });

  it('closes after the running response, which is sent whole, without waiting for the idle time-out', async () => {
    const { response } = await connected(fastify, requestBytes('GET /slow'));
    await requested.promise;
    const closed = fastify.close();
    while (fastify.server.listening) await setImmediate();
    answer.resolve('the answer');
    await closed;
    expect(await response()).toMatch(/200 OK[^]*the answer/);
  });

  it('answers a request that arrives before the listener is closed, and then ends its connection', async () => {
    const gate = Promise.withResolvers<void>();
    untilListenerCloses = gate.promise;
    const closed = fastify.close();
    await closing.promise;
    const { response } = await connected(fastify, requestBytes('GET /quick'));
    expect(await response()).toMatch(/200 OK[^]*at once/);
    gate.resolve();
    await closed;
  });

  it('does not wait for a connection without any request, such as browsers open in advance', async () => {
    const { response } = await connected(fastify);
    await fastify.close();
    expect(await response()).toBe('');
  });

  it('does not wait for the rest of a request, whether the first or a later one on its connection', async () => {
    const first = await connected(fastify, 'GET /quick HTTP/1.1\r\n');
    const next = await connected(fastify, requestBytes('GET /quick'));
    let received = '';
    while (!received.includes('at once')) received += await next.begin();
    next.socket.write('GET /quick HTTP/1.1\r\n');
    const ended = once(next.accepted, 'close');
    await fastify.close();
    await ended;
    expect(await first.response()).toBe('');
  });
});
