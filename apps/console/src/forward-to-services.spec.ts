import { request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { json, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import makeFastify, { type FastifyInstance } from 'fastify';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { authenticate } from '#service/auth/authenticate.js';
import { TokenRefusal, type Caller, type TokenVerifier } from '#service/auth/token-verifier.js';
import { acceptEmptyJsonBodies, drainUnreadBodies } from '#service/http/request-bodies.js';
import { limitTransfers } from '#service/http/transfer-limits.js';
import { localServer } from './testing/local-server.js';
import { forwardToServices, type ForwardingSettings, type ResponseTimeouts } from './forward-to-services.js';

const LARGE = 8 * 1024 * 1024;
const ISSUER = { AUTH_ISSUER: 'https://issuer.example' };

/** A caller whose token is its name. */
function callerOf(token: string): Caller {
  if (token === 'bad') throw new TokenRefusal('The token is invalid.');
  return { subject: token, clientId: null, scopes: new Set(), validUntil: Number.POSITIVE_INFINITY };
}

const VERIFIER = { verify: async (token: string) => callerOf(token) } as unknown as TokenVerifier;

describe('forwarding to the other services', () => {
  let fastify: FastifyInstance;
  let status: number;
  const received: { path: string | undefined; headers: IncomingHttpHeaders }[] = [];
  const service = localServer(({ url: path, headers }, response) => {
    received.push({ path, headers });
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '5' }).end('{"code":"theirs"}');
  });

  beforeEach(async () => {
    received.length = 0;
    status = 200;
    await start();
  });

  afterEach(async () => fastify.close());

  /** Starts a console in front of the service, which is all services. @param prepare adds hooks */
  async function start(
    settings: Partial<ForwardingSettings> = {},
    timeouts?: ResponseTimeouts,
    prepare: () => void = () => undefined,
  ): Promise<void> {
    const urls = { PRODUCER_URL: service.url, QUERY_API_URL: service.url, FACADE_URL: service.url };
    const unlimited = { AUTH_AUDIENCE: 'orders', FORWARDED_PER_CALLER: 0, FORWARDED_IN_TOTAL: 0 };
    fastify = makeFastify();
    authenticate(fastify, settings.AUTH_ISSUER === undefined ? null : VERIFIER);
    acceptEmptyJsonBodies(fastify);
    drainUnreadBodies(fastify);
    prepare();
    await forwardToServices(fastify, { ...urls, ...unlimited, ...settings }, timeouts);
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  }

  async function restart(...options: Parameters<typeof start>): Promise<void> {
    await fastify.close();
    await start(...options);
  }

  const port = (): number => (fastify.server.address() as AddressInfo).port;
  const origin = (): string => `http://127.0.0.1:${port()}`;

  async function get(path: string, token = 'mine'): Promise<Response> {
    return fetch(`${origin()}${path}`, { headers: { authorization: `Bearer ${token}`, origin: 'http://localhost' } });
  }

  it('sends a request once, even when the answer is 503', async () => {
    status = 503;
    const answer = await get('/v1/operations?pageSize=6');
    expect([answer.status, await answer.json()]).toEqual([503, { code: 'theirs' }]);
    expect(received.map(({ path }) => path)).toEqual(['/v1/operations?pageSize=6']);
  });

  it.each([
    ['/query-api/metrics', '/metrics'],
    ['/v1/migration/read-by-id', '/v1/migration/read-by-id'],
    ['/v1/orders', '/v1/orders'],
  ])('forwards %s with the token of the caller, but not the Origin header', async (path, forwarded) => {
    await get(path);
    expect(received).toMatchObject([{ path: forwarded, headers: { authorization: 'Bearer mine' } }]);
    expect(received[0]?.headers.origin).toBeUndefined();
  });

  it('has no migration without a facade', async () => {
    await restart({ FACADE_URL: undefined });
    expect((await get('/v1/migration')).status).toBe(404);
  });

  it.each(['/v1/pipelines', '/v1/operationsx', '/health/live'])('does not forward %s', async (path) => {
    expect((await get(path)).status).toBe(404);
    expect(received).toEqual([]);
  });

  it('accepts `Expect: 100-continue`, which curl sends for large bodies', async () => {
    const answered = Promise.withResolvers<unknown>();
    const sending = request(`${origin()}/v1/imports`, { method: 'POST', headers: { expect: '100-continue' } });
    sending.on('continue', () => sending.end('[]'));
    sending.on('response', (response) => answered.resolve(json(response)));
    sending.flushHeaders();
    expect(await answered.promise).toEqual({ code: 'theirs' });
  });

  it('accepts an empty body, also with the content type JSON', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${origin()}/v1/operations/1/pause`, { method: 'POST', headers });
    expect([answer.status, received[0]?.headers['content-length']]).toEqual([200, '0']);
  });

  it.each([
    ['with a content length', `content-length: ${LARGE}`, [' '.repeat(LARGE)]],
    ['in chunks', 'transfer-encoding: chunked', [`${LARGE.toString(16)}\r\n`, ' '.repeat(LARGE), '\r\n0\r\n\r\n']],
  ])('returns the answer although the service does not read the whole body, %s', async (_, length, body) => {
    status = 413;
    for (let round = 0; round < 10; round += 1) {
      const socket = connect(port(), '127.0.0.1');
      const head = `POST /v1/populate HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n${length}\r\n\r\n`;
      // The client reads nothing before it has written everything.
      await pipeline([head, ...body], socket, { end: false });
      const answer = text(socket);
      socket.end();
      expect(await answer).toMatch(/^HTTP\/1.1 413 [^]*theirs/);
    }
  });

  it('sends one response when it refuses a slow body while the service answers', async () => {
    const clock = new ManualClock();
    const isRefused = Promise.withResolvers<void>();
    const hasAnswered = Promise.withResolvers<void>();
    let sends = 0;
    // Holds the refusal back until the service's answer has arrived.
    await restart({}, undefined, () => {
      limitTransfers(fastify, { bodyMs: 30_000, bodyBytesPerSecond: 1_000 }, clock);
      fastify.addHook('onSend', (_request, _reply, payload, done) => {
        sends += 1;
        if (sends > 1) hasAnswered.resolve();
        isRefused.resolve();
        const heldBack = async function* (): AsyncGenerator {
          await hasAnswered.promise;
          yield* payload as Readable;
        };
        done(null, Readable.from(heldBack()));
      });
    });
    const arrived = Promise.withResolvers<void>();
    service.respond = (_sent, response) => {
      arrived.resolve();
      response.once('close', hasAnswered.resolve);
      void isRefused.promise.then(() => response.writeHead(200, { 'content-length': 100 }).write('theirs'));
    };
    const socket = connect(port(), '127.0.0.1');
    const headers = 'host: here\r\ncontent-type: application/json\r\ncontent-length: 100\r\n';
    socket.write(`POST /v1/populate HTTP/1.1\r\n${headers}\r\n{`);
    await arrived.promise;
    await clock.advance(31_000);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1.1 408 /);
    expect(Buffer.byteLength(body)).toBe(Number(/content-length: (\d+)/.exec(head)?.[1]));
    expect([sends, JSON.parse(body)]).toEqual([1, expect.objectContaining({ code: 'body-too-slow' })]);
  });

  it('aborts the forwarded request when the caller disconnects before its body is complete', async () => {
    const arrived = Promise.withResolvers<IncomingMessage>();
    service.respond = arrived.resolve;
    const sending = request(`${origin()}/v1/imports`, { method: 'POST' });
    sending.on('error', ({ message }) => expect(message).toBe('socket hang up'));
    sending.write('[');
    const forwarded = await arrived.promise;
    const ended = new Promise((resolve) => void forwarded.once('close', resolve));
    forwarded.on('error', ({ message }) => expect(message).toBe('aborted')).resume();
    sending.destroy();
    await ended;
    expect(forwarded.complete).toBe(false);
  });

  it('passes on only headers that the services need, and sets the address of the caller', async () => {
    const forged = {
      forwarded: 'for=10.0.0.1',
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-real-ip': '10.0.0.1',
      'proxy-authorization': 'Basic eDp5',
      cookie: 'session=1',
      via: '1.1 evil',
      te: 'trailers',
      connection: 'x-forwarded-for, authorization',
    };
    const passed = { accept: 'text/csv', 'idempotency-key': 'k-1', 'last-event-id': '7', 'if-none-match': '"a"' };
    const sending = request(`${origin()}/v1/orders`, { headers: { ...forged, ...passed, host: 'evil.example' } });
    const answered = new Promise<IncomingMessage>((resolve) => void sending.once('response', resolve));
    sending.end();
    (await answered).resume();
    const { connection: _own, ...headers } = received[0]?.headers ?? {};
    expect(headers).toEqual({ ...passed, host: new URL(service.url).host, 'x-forwarded-for': '127.0.0.1' });
  });

  it('refuses requests without a valid token itself, where tokens are required', async () => {
    await restart(ISSUER);
    const anonymous = await fetch(`${origin()}/v1/orders`);
    expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="orders"']);
    expect([(await get('/v1/orders', 'bad')).status, (await get('/v1/orders', 'ann')).status]).toEqual([401, 200]);
    expect(received.map(({ headers }) => headers.authorization)).toEqual(['Bearer ann']);
  });

  it('lets no caller, and no slow service, block the requests of others', async () => {
    await restart({ ...ISSUER, FORWARDED_PER_CALLER: 64, FORWARDED_IN_TOTAL: 65 });
    // Begins each response and does not end it.
    service.respond = ({ headers }, response) => void response.write(`${headers.authorization}`);
    const slow = await Promise.all(Array.from({ length: 64 }, async () => get('/v1/orders', 'ann')));
    const refused = await get('/v1/orders', 'ann');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect(await refused.json()).toMatchObject({ code: 'too-many-forwarded-requests' });
    const other = await get('/query-api/metrics', 'bob');
    expect(other.status).toBe(200);
    const full = await get('/query-api/metrics', 'eve');
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '5']);
    // The other services have their own places.
    service.respond = (_request, response) => void response.end('theirs');
    expect((await get('/v1/operations', 'eve')).status).toBe(200);
    await Promise.all([other, ...slow].map(async ({ body }) => body?.cancel()));
  });

  it('waits for a service for a limited time, but longer for a reconciliation', async () => {
    await restart({}, { usual: 100, reconciliation: 60_000 });
    const reconciling = Promise.withResolvers<ServerResponse>();
    service.respond = ({ url }, response) => {
      if (url?.endsWith('/reconcile') === true) reconciling.resolve(response);
    };
    const reconciliation = fetch(`${origin()}/v1/operations/1/reconcile`, { method: 'POST' });
    const late = await get('/v1/operations/1');
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await late.json()).toMatchObject({ code: 'service-away' });
    (await reconciling.promise).end('held');
    expect(await (await reconciliation).text()).toBe('held');
  });
});
