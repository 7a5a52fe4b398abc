import { hash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fastify, { type FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { parseQuery } from '#service/http/query-string.js';
import { ClientKeys } from './clients/client-keys.js';
import { addLegacyApi } from './legacy-api.js';
import { addReadRoutes } from './reads/read-routes.js';
import type { Reads } from './reads/reads.js';
import type { PostedOrders } from './writes/posted-orders.js';
import { addWriteRoutes } from './writes/write-routes.js';

const KEY = 'k'.repeat(32);
const BASIC = { host: 'orders.example:8443', authorization: `Basic ${Buffer.from(`web:${KEY}`).toString('base64')}` };

/** Clients with keys, between routes and sides that only record the forwarded targets. */
describe("the legacy system's API, for clients with keys", () => {
  let app: FastifyInstance;
  let targets: string[];

  beforeEach(async () => {
    targets = [];
    const keys = ClientKeys.parse(JSON.stringify({ clients: [{ name: 'web', keys: [hash('sha256', KEY)] }] }));
    const forward = async ({ path }: { readonly path: string }) => {
      targets.push(path);
      return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('[]') });
    };
    const answer: Pick<Reads, 'answer'>['answer'] = async ({ forwarded }) => forward(forwarded);
    app = fastify({ routerOptions: { querystringParser: parseQuery, maxParamLength: 1_024 } });
    await addLegacyApi(app, {
      keys: () => keys,
      hosts: { hosts: ['alias.example'], origins: ['https://desk.example'] },
      onRequest: () => undefined,
      logger: pino({ level: 'silent' }),
      addRoutes: (scope) => {
        addReadRoutes(scope, { answer }, { LONG_ANSWERS_PER_CALLER: 0, LONG_ANSWERS_IN_TOTAL: 0 });
        addWriteRoutes(scope, { post: forward, populate: forward } as unknown as PostedOrders, () => ({}));
      },
    });
  });

  afterEach(async () => app.close());

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
      const sent = request({ port, method, path: target, headers: BASIC }).end();
      const [response] = await once(sent, 'response');
      response.resume();
      await once(response, 'close');
    }
    expect(new Set(targets)).toEqual(new Set([path]));
    expect(targets[0]).toBe(path);
  });
});
