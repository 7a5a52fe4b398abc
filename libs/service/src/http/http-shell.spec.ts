import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { fastify as makeFastify, type FastifyInstance, type HTTPMethods } from 'fastify';
import type { AuthSettings } from '../auth/auth-settings.js';
import { setUpHttp, requestId } from './http-shell.js';
import { isLoopback, rejectForeignWrites } from './known-hosts.js';
import { parseQuery } from './request-input.js';
import { withProblems } from './testing/served-app.js';

const LONG = 'order '.repeat(1_000);
const SETTINGS = {
  LISTEN_HOST: '127.0.0.1',
  PORT: 0,
  TRUST_PROXY: [],
  ALLOWED_HOSTS: ['orders.example'],
  CORS_ORIGINS: ['https://desk.example'],
  RATE_LIMIT_PER_MINUTE: 50,
  REQUEST_TIMEOUT_SECONDS: 30,
  UPLOAD_MIN_BYTES_PER_SECOND: 1_000,
  DRAIN_GRACE_SECONDS: 0,
};

const WITHOUT_ISSUER: AuthSettings = {
  AUTH_ALLOW_HTTP_ISSUER: false,
  AUTH_KEYS_MAX_AGE_SECONDS: 86_400,
  AUTH_AUDIENCE: 'orders',
  AUTH_ALGORITHMS: ['RS256'],
  AUTH_TOKEN_TYPE: 'at+jwt',
  AUTH_SCOPE_CLAIM: 'scope',
};

async function* endless(): AsyncGenerator<string> {
  for (;;) {
    yield 'order\n';
    await setImmediate();
  }
}

describe('HTTP shell', () => {
  let fastify: FastifyInstance;
  let streamed: Readable;

  beforeEach(async () => {
    fastify = withProblems(makeFastify({ genReqId: requestId, routerOptions: { querystringParser: parseQuery } }));
    await setUpHttp(fastify, SETTINGS, WITHOUT_ISSUER, null);
    streamed = Readable.from(endless());
    for (const path of ['/short', '/orders/:id']) fastify.get(path, () => ({ order: 1 }));
    for (const path of ['/short', '/orders/batch-get']) fastify.post(path, () => ({ order: 1 }));
    fastify.get('/long', () => ({ text: LONG }));
    fastify.get('/away', (_request, reply) => reply.status(404).send({ order: null }));
    fastify.post('/files', { config: { accepts: ['application/zip', 'application/json'] } }, () => ({}));
    fastify.get('/stream', (_request, reply) => reply.send(streamed));
    fastify.get('/health/live', () => ({ status: 'ok' }));
  });

  async function send(method: HTTPMethods, url: string, headers: Record<string, string> = {}, payload = '') {
    return fastify.inject({ method, url, headers: { host: 'localhost:3000', ...headers }, payload });
  }

  async function get(url: string, headers: Record<string, string> = {}) {
    return send('GET', url, headers);
  }

  it.each([
    ['/short', 'text/csv', 'application/json', 'application/json'],
    ['/short', undefined, 'application/json', 'application/json'],
    ['/files', 'text/csv', 'application/zip or application/json', 'application/zip, application/json'],
  ])('%s rejects a body of the type %s, and names the types that it accepts', async (url, type, accepted, accept) => {
    const response = await send('POST', url, type === undefined ? {} : { 'content-type': type }, 'a;b');
    expect(response.json()).toMatchObject({
      status: 415,
      code: 'unsupported-media-type',
      detail: `The Content-Type must be ${accepted}, got ${type ?? 'none'}.`,
    });
    expect(response.headers['accept']).toBe(accept);
  });

  it.each(['localhost', 'localhost:3000', '127.0.0.1:3001', '[::1]:3000', 'LOCALHOST', 'orders.example:80'])(
    'accepts the host %s',
    async (host) => {
      expect((await get('/short', { host })).statusCode).toBe(200);
    },
  );

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '192.168.0.1', 'a b', '@localhost:x'])(
    'rejects the foreign host %j',
    async (host) => {
      const response = await get('/short', { host });
      expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([421, 'foreign-host']);
    },
  );

  it.each([
    [403, 'https://evil.example'],
    [403, 'http://localhost.evil.example'],
    [403, 'null'],
    [403, 'http://localhost:8080'],
    [200, 'http://localhost:3000'],
    [200, 'https://desk.example'],
    [200, 'https://orders.example'],
  ])('answers %d to a request from a page of %s', async (status, origin) => {
    expect((await get('/short', { origin })).statusCode).toBe(status);
  });

  it.each<[string, number, Record<string, string>]>([
    ['GET', 200, { origin: 'https://evil.example' }],
    ['POST', 403, { origin: 'https://evil.example' }],
    ['GET', 200, { origin: 'https://orders.example:8443' }],
    ['POST', 403, { origin: 'https://orders.example:8443' }],
    ['GET', 200, { origin: 'null' }],
    ['POST', 403, { origin: 'null' }],
    ['POST', 403, { 'sec-fetch-site': 'cross-site' }],
    ['POST', 200, { origin: 'https://orders.example' }],
    ['POST', 200, { origin: 'https://alias.example' }],
    ['POST', 200, { origin: 'https://desk.example' }],
    ['POST', 200, { origin: 'https://desk.example', 'sec-fetch-site': 'cross-site' }],
    ['POST', 200, {}],
  ])(
    'lets foreign pages only read where the browser may know a password: %s %d %j',
    async (method, status, headers) => {
      const own = withProblems(makeFastify());
      rejectForeignWrites(own, { hosts: ['alias.example'], origins: ['https://desk.example'] });
      own.route({ method: ['GET', 'POST'], url: '/short', handler: () => ({ order: 1 }) });
      const request = { method: method as 'GET', url: '/short', headers: { host: 'orders.example', ...headers } };
      expect((await own.inject(request)).statusCode).toBe(status);
    },
  );

  it('lets only pages of allowed origins read the response', async () => {
    expect((await get('/short', { origin: 'https://desk.example' })).headers).toMatchObject({
      'access-control-allow-origin': 'https://desk.example',
    });
    const { headers } = await get('/short', { origin: 'http://localhost:3001' });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  it('rejects a query that is not percent-encoded UTF-8', async () => {
    const response = await get('/short?symbol=%ff');
    expect(response.json()).toMatchObject({ status: 400, code: 'bad-encoding' });
  });

  it.each([
    ['DELETE', '/short?a=1', 405, 'GET, HEAD, POST'],
    ['DELETE', '/none', 404, undefined],
    ['GET', '/orders/batch-get', 405, 'POST'],
    ['GET', '/orders/other', 200, undefined],
    ['GET', '/orders/:id', 200, undefined],
  ] as const)('%s %s gets %d, and the methods that the path allows: %s', async (method, url, status, allowed) => {
    const { statusCode, headers } = await send(method, url);
    expect([statusCode, headers.allow]).toEqual([status, allowed]);
  });

  it('answers a HEAD request without reading the stream', async () => {
    const response = await send('HEAD', '/stream');
    expect([response.statusCode, streamed.destroyed]).toEqual([200, true]);
  });

  it('accepts any host if there is nothing to protect', async () => {
    const open = withProblems(makeFastify());
    await setUpHttp(open, SETTINGS, undefined, null);
    open.get('/metrics', () => 'up 1');
    expect((await open.inject({ url: '/metrics', headers: { host: 'consumer:3000' } })).statusCode).toBe(200);
  });

  it('returns a request id, the one of the client if it is safe to log', async () => {
    expect((await get('/short', { 'x-request-id': 'mine-1' })).headers['x-request-id']).toBe('mine-1');
    for (const given of ['', 'a b', 'x'.repeat(129), 'ä'])
      expect((await get('/short', { 'x-request-id': given })).headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
  });

  it('answers 304 if the client has the response already', async () => {
    const first = await get('/short');
    const etag = String(first.headers.etag);
    expect(etag).toMatch(/^W\/"[\w-]+"$/);
    for (const header of [etag, `"other", ${etag}`, '*', etag.replace('W/', '')]) {
      const again = await get('/short', { 'if-none-match': header, 'cache-control': 'no-cache' });
      expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', etag]);
    }
    const changed = await get('/short', { 'if-none-match': '"other"' });
    expect([changed.statusCode, changed.body]).toEqual([200, '{"order":1}']);
  });

  it('answers 304 only to reads with status 200', async () => {
    const headers = { 'if-none-match': '*' };
    expect((await send('POST', '/short', headers)).statusCode).toBe(200);
    const missing = await get('/away', headers);
    expect([missing.statusCode, missing.headers.etag]).toEqual([404, undefined]);
  });

  it('compresses large responses if the client accepts it', async () => {
    for (const encoding of ['br', 'gzip']) {
      const response = await get('/long', { 'accept-encoding': encoding });
      expect(response.headers['content-encoding']).toBe(encoding);
      expect(response.rawPayload.length).toBeLessThan(1_000);
    }
    expect((await get('/long')).headers['content-encoding']).toBeUndefined();
    expect((await get('/short', { 'accept-encoding': 'br' })).headers['content-encoding']).toBeUndefined();
  });

  it('returns the remaining rate limit and rejects requests beyond it, except for health checks', async () => {
    expect((await get('/short')).headers).toMatchObject({ 'ratelimit-limit': '50', 'ratelimit-remaining': '49' });
    for (let left = 49; left > 0; left -= 1) await get('/short');
    const refused = await get('/short');
    expect(refused.json()).toMatchObject({ status: 429, code: 'too-many-requests' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await get('/health/live')).statusCode).toBe(200);
  });

  it('adds headers that restrict a browser to the own origin', async () => {
    const { headers } = await get('/short');
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff' });
  });
});

describe('isLoopback', () => {
  it.each(['localhost', '127.0.0.1', '127.1.2.3', '::1'])('recognises %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'orders.example', '127.0.0.1.example'])('is not %s', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});
