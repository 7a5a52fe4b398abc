import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fastify as makeFastify, type FastifyInstance } from 'fastify';
import type { AuthSettings } from '../auth/auth-settings.js';
import { ProblemFilter } from './problem-filter.js';
import { setUpHttp } from './http-shell.js';
import { isLoopback, rejectForeignWrites } from './known-hosts.js';
import { parseQuery } from './query-string.js';
import { requestId } from './request-ids.js';

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

describe('HTTP shell', () => {
  let fastify: FastifyInstance;
  let streamed: Readable;

  beforeEach(async () => {
    fastify = makeFastify({ genReqId: requestId, routerOptions: { querystringParser: parseQuery } });
    await setUpHttp(fastify, SETTINGS, WITHOUT_ISSUER, null);
    streamed = Readable.from(endless());
    const problems = new ProblemFilter();
    fastify.setErrorHandler((error, request, reply) => problems.send(error, request, reply));
    fastify.get('/short', () => ({ order: 1 }));
    fastify.get('/long', () => ({ text: LONG }));
    fastify.get('/away', (_request, reply) => reply.status(404).send({ order: null }));
    fastify.post('/short', () => ({ order: 1 }));
    fastify.post('/files', { config: { accepts: ['application/zip', 'application/json'] } }, () => ({}));
    fastify.get('/orders/:id', () => ({ order: 1 }));
    fastify.post('/orders/batch-get', () => ({ order: 1 }));
    fastify.get('/stream', (_request, reply) => reply.send(streamed));
    fastify.get('/health/live', () => ({ status: 'ok' }));
  });

  afterEach(async () => {
    await fastify.close();
  });

  async function get(url: string, headers: Record<string, string> = {}) {
    return fastify.inject({ url, headers: { host: 'localhost:3000', ...headers } });
  }

  it.each([
    ['/short', 'text/csv', 'application/json', 'application/json'],
    ['/short', undefined, 'application/json', 'application/json'],
    ['/files', 'text/csv', 'application/zip or application/json', 'application/zip, application/json'],
  ])('%s rejects a body of the type %s, and names the types that it accepts', async (url, type, accepted, accept) => {
    const headers = { host: 'localhost:3000', ...(type !== undefined && { 'content-type': type }) };
    const response = await fastify.inject({ method: 'POST', url, headers, payload: Buffer.from('a;b') });
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

  it('rejects requests from foreign pages, and accepts those from its own and allowed origins', async () => {
    for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null', 'http://localhost:8080'])
      expect((await get('/short', { origin })).statusCode).toBe(403);
    for (const origin of ['http://localhost:3000', 'https://desk.example', 'https://orders.example'])
      expect((await get('/short', { origin })).statusCode).toBe(200);
  });

  it('lets foreign pages only read where the browser may know a password', async () => {
    const own = makeFastify();
    rejectForeignWrites(own, { hosts: ['alias.example'], origins: ['https://desk.example'] });
    own.route({ method: ['GET', 'POST'], url: '/short', handler: () => ({ order: 1 }) });
    const status = async (method: 'GET' | 'POST', headers: Record<string, string>): Promise<number> =>
      (await own.inject({ method, url: '/short', headers: { host: 'orders.example', ...headers } })).statusCode;
    for (const origin of ['https://evil.example', 'https://orders.example:8443', 'null'])
      expect([await status('GET', { origin }), await status('POST', { origin })]).toEqual([200, 403]);
    expect(await status('POST', { 'sec-fetch-site': 'cross-site' })).toBe(403);
    for (const origin of ['https://orders.example', 'https://alias.example', 'https://desk.example'])
      expect(await status('POST', { origin })).toBe(200);
    expect(await status('POST', { origin: 'https://desk.example', 'sec-fetch-site': 'cross-site' })).toBe(200);
    expect(await status('POST', {})).toBe(200);
    await own.close();
  });

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

  it('rejects an unknown method of a path, and returns the allowed ones', async () => {
    const headers = { host: 'localhost' };
    const refused = await fastify.inject({ method: 'DELETE', url: '/short?a=1', headers });
    expect([refused.statusCode, refused.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
    expect((await fastify.inject({ method: 'DELETE', url: '/none', headers })).statusCode).toBe(404);
    const taken = await get('/orders/batch-get');
    expect([taken.statusCode, taken.headers.allow]).toEqual([405, 'POST']);
    for (const path of ['/orders/other', '/orders/:id']) expect((await get(path)).statusCode).toBe(200);
  });

  it('answers a HEAD request without reading the stream', async () => {
    const response = await fastify.inject({ method: 'HEAD', url: '/stream', headers: { host: 'localhost' } });
    expect([response.statusCode, streamed.destroyed]).toEqual([200, true]);
  });

  it('accepts any host if there is nothing to protect', async () => {
    const open = makeFastify();
    await setUpHttp(open, SETTINGS, undefined, null);
    open.get('/metrics', () => 'up 1');
    expect((await open.inject({ url: '/metrics', headers: { host: 'consumer:3000' } })).statusCode).toBe(200);
    await open.close();
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
    const headers = { host: 'localhost', 'if-none-match': '*' };
    expect((await fastify.inject({ method: 'POST', url: '/short', headers })).statusCode).toBe(200);
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
  it('recognises loopback hosts', () => {
    for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1']) expect(isLoopback(host)).toBe(true);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'orders.example', '127.0.0.1.example'])
      expect(isLoopback(host)).toBe(false);
  });
});

async function* endless(): AsyncGenerator<string> {
  for (;;) {
    yield 'order\n';
    await new Promise((resolve) => setImmediate(resolve));
  }
}
