import { hash } from 'node:crypto';
import { once } from 'node:events';
import { request as send, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import makeFastify, { type FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { OpenAPIObject } from '@nestjs/swagger';
import { parseQuery } from '#service/http/request-input.js';
import { ProblemFilter } from '#service/http/problem-filter.js';
import { ClientKeys } from './clients.js';
import { FacadeMetrics } from './facade-metrics.js';
import { addLegacyApi, addReadRoutes, addWriteRoutes } from './legacy-api.js';
import type { Reads, ReadAnswer, ReadRequest } from './reads/reads.js';
import type { PostedOrders } from './writes/posted-orders.js';
import { documentLegacyApi } from './legacy-api-document.js';

const KEY = 'k'.repeat(32);
const BASIC = { host: 'orders.example:8443', authorization: `Basic ${Buffer.from(`web:${KEY}`).toString('base64')}` };

/** Clients with keys, between routes and sides that only record the forwarded targets. */
describe("the legacy system's API", () => {
  let app: FastifyInstance;
  let targets: string[];
  /** The headers of the forwarded requests. */
  let forwardedHeaders: unknown[];
  let registry: Registry;
  let keys: ClientKeys | undefined;

  beforeEach(async () => {
    [targets, forwardedHeaders] = [[], []];
    keys = ClientKeys.parse(JSON.stringify({ clients: [{ name: 'web', keys: [hash('sha256', KEY)] }] }));
    await listen();
  });

  async function forward(forwarded: { readonly path: string; readonly headers?: unknown }) {
    targets.push(forwarded.path);
    forwardedHeaders.push(forwarded.headers);
    return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('[]') });
  }

  async function listen(): Promise<void> {
    registry = new Registry();
    const metrics = new FacadeMetrics(registry);
    app = makeFastify({ routerOptions: { querystringParser: parseQuery, maxParamLength: 1_024 } });
    await addLegacyApi(app, {
      keys: () => keys,
      hosts: { hosts: ['alias.example'], origins: ['https://desk.example'] },
      onRequest: (client) => metrics.requestBy(client),
      logger: pino({ level: 'silent' }),
      addRoutes: (scope) => {
        addReadRoutes(
          scope,
          { answer: async ({ forwarded }) => forward(forwarded) },
          { LONG_ANSWERS_PER_CALLER: 0, LONG_ANSWERS_IN_TOTAL: 0 },
        );
        addWriteRoutes(scope, { post: forward, populate: forward });
      },
    });
  }

  afterEach(async () => app.close());

  it('answers clients that have a key, and counts their requests; the legacy system never sees it', async () => {
    const request = async (given: Record<string, string>) =>
      app.inject({ url: '/orders/page/1', headers: { host: BASIC.host, ...given } });
    expect((await request({ 'x-api-key': KEY, 'x-other': 'kept' })).statusCode).toBe(200);
    expect((await request({ authorization: BASIC.authorization })).statusCode).toBe(200);
    expect(forwardedHeaders[0]).toMatchObject({ 'x-other': 'kept' });
    expect(JSON.stringify(forwardedHeaders)).not.toMatch(new RegExp(`${KEY}|Basic`));
    const rejected = await request({ 'x-api-key': `${KEY}x` });
    expect(rejected.statusCode).toBe(401);
    expect(rejected.json()).toEqual({
      statusCode: 401,
      code: 'bad-api-key',
      error: 'Unauthorized',
      message: 'the API key is unknown, or not that of the named user',
    });
    expect((await request({})).headers['www-authenticate']).toMatch(/^Basic /);
    const metrics = await registry.metrics();
    expect(metrics).toContain('facade_client_requests_total{client="web"} 2');
    expect(metrics).toContain('facade_client_requests_total{client="unknown"} 2');
    expect(metrics).not.toContain(KEY);
  });

  it('without keys, rejects what a web page could send to this machine', async () => {
    await app.close();
    keys = undefined;
    await listen();
    const foreign = { host: '127.0.0.1', origin: 'https://example.com' };
    const response = await app.inject({ url: '/orders/page/1', headers: foreign });
    expect(response.json()).toMatchObject({ statusCode: 403, code: 'foreign-origin', error: 'Forbidden' });
    expect((await app.inject({ url: '/orders/page/1', headers: { host: '127.0.0.1' } })).statusCode).toBe(200);
  });

  async function post(url: string, headers: Record<string, string>): Promise<number> {
    const { statusCode } = await app.inject({ method: 'POST', url, headers: { ...BASIC, ...headers } });
    return statusCode;
  }

  it.each<Record<string, string>>([
    { origin: 'https://evil.example' },
    { origin: 'https://orders.example' },
    { origin: 'https://other.orders.example:8443' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'https://orders.example:8443', 'sec-fetch-site': 'cross-site' },
  ])('refuses writes of foreign pages, although the browser knows the password: %j', async (headers) => {
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded'])
      expect(await post('/orders', { ...headers, 'content-type': type })).toBe(403);
    expect(await post('/populate?count=1', headers)).toBe(403);
    expect(targets).toEqual([]);
  });

  it.each<Record<string, string>>([
    {},
    { 'sec-fetch-site': 'none' },
    { origin: 'https://orders.example:8443', 'sec-fetch-site': 'same-origin' },
    { origin: 'https://alias.example', 'sec-fetch-site': 'same-origin' },
    { origin: 'https://desk.example', 'sec-fetch-site': 'cross-site' },
  ])('accepts writes of programs, and of its own and allowed pages: %j', async (headers) => {
    expect(await post('/populate?count=1', headers)).toBe(200);
  });

  it('answers reads of any page: no other page can see the answer', async () => {
    const headers = { ...BASIC, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await app.inject({ url: '/orders/page/1', headers })).statusCode).toBe(200);
  });

  it.each([
    ['GET', '/orders/1?a=%20b&a'],
    ['GET', '/orders/a%20b%2F..%2Fc'],
    ['GET', '/orders/page/2'],
    ['GET', '/orders/range?start=1&end=2'],
    ['POST', '/orders?x=1'],
    ['POST', '/populate?count=1'],
  ])('forwards %s %s as it is, and without the host of a whole URL', async (method, path) => {
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    for (const target of [path, `http://other.example${path}`, `HTTPS://other.example:1${path}`]) {
      const sent = send({ port, method, path: target, headers: BASIC }).end();
      const [response] = await once(sent, 'response');
      response.resume();
      await once(response, 'close');
    }
    expect(new Set(targets)).toEqual(new Set([path]));
    expect(targets[0]).toBe(path);
  });
});

/** Returns the routes that the facade adds, such as `GET /orders/{id}`, with their configuration. */
async function addedRoutes(): Promise<Map<string, unknown>> {
  const routes = new Map<string, unknown>();
  const app = makeFastify({ exposeHeadRoutes: false });
  app.addHook('onRoute', ({ method, url, config }) => {
    routes.set(`${String(method)} ${url.replace(/:(\w+)/, '{$1}')}`, config);
  });
  addReadRoutes(app, {} as Reads, { LONG_ANSWERS_PER_CALLER: 0, LONG_ANSWERS_IN_TOTAL: 0 });
  addWriteRoutes(app, {} as PostedOrders);
  await app.ready();
  return routes;
}

describe("the document of the legacy system's API", () => {
  const document: OpenAPIObject = { openapi: '3.1.0', info: { title: '', version: '' }, paths: {} };
  documentLegacyApi(document);

  it('has every route that the facade adds, and no other', async () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented.toSorted()).toEqual([...(await addedRoutes()).keys()].toSorted());
  });

  it('describes routes that limit no rates, as the legacy system limits none', async () => {
    for (const config of (await addedRoutes()).values()) expect(config).toMatchObject({ rateLimit: false });
  });

  it('refers only to schemas that it has', () => {
    const names = [...JSON.stringify(document.paths).matchAll(/#\/components\/schemas\/(\w+)/g)].map(
      ([, name]) => name,
    );
    expect(Object.keys(document.components?.schemas ?? {})).toEqual(expect.arrayContaining([...new Set(names)]));
  });
});

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(65_536, '[');
}

describe('the long answers of the facade', () => {
  let fastify: FastifyInstance;
  let signals: AbortSignal[];
  let responses: IncomingMessage[];

  beforeEach(async () => {
    signals = [];
    responses = [];
    const answer = async ({ capability, forwarded }: ReadRequest): Promise<ReadAnswer> => {
      signals.push(forwarded.signal);
      const body = capability === 'read-by-range' ? Readable.from(endless(), { objectMode: false }) : Buffer.from('[]');
      return Promise.resolve({ status: 200, headers: {}, body });
    };
    fastify = makeFastify();
    fastify.decorateRequest('client', null);
    fastify.addHook('onRequest', (request, _reply, done) => {
      request.client = String(request.headers['x-api-key']);
      done();
    });
    const problems = new ProblemFilter();
    fastify.setErrorHandler((error, request, reply) => problems.send(error, request, reply));
    addReadRoutes(fastify, { answer }, { LONG_ANSWERS_PER_CALLER: 2, LONG_ANSWERS_IN_TOTAL: 3 });
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  });

  afterEach(async () => {
    for (const response of responses) response.destroy();
    await fastify.close();
  });

  /** Sends a request, and reads nothing of its answer. */
  async function ask(client: string, path = '/orders/range?start=1&end=9'): Promise<IncomingMessage> {
    const { port } = fastify.server.address() as AddressInfo;
    const [response] = (await once(
      get({ host: '127.0.0.1', port, path, agent: false, headers: { 'x-api-key': client } }),
      'response',
    )) as [IncomingMessage];
    responses.push(response);
    return response;
  }

  it('leave places for other clients, and short answers need none', async () => {
    const billing = [await ask('billing'), await ask('billing'), await ask('billing')];
    expect(billing.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429]);
    expect(billing[2]?.headers['retry-after']).toBe('5');
    expect((await ask('billing', '/orders/page/1')).statusCode).toBe(200);
    expect([(await ask('web')).statusCode, (await ask('web')).statusCode]).toEqual([200, 503]);
  });

  it('end at the side when they have no place, and give it back with the connection', async () => {
    const [first] = [await ask('billing'), await ask('billing'), await ask('billing')];
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, true]);
    first.destroy();
    while (signals[0]?.aborted === false) await setImmediate();
    expect((await ask('billing')).statusCode).toBe(200);
  });
});
