import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { json, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import makeFastify, { type FastifyInstance } from 'fastify';
import { acceptEmptyJsonBodies } from '#service/http/empty-json-body.js';
import { drainUnreadBodies } from '#service/http/unread-bodies.js';
import { forwardToServices } from './forward-to-services.js';

const LARGE = 8 * 1024 * 1024;

describe('forwarding to the other services', () => {
  let fastify: FastifyInstance;
  let service: Server;
  let status: number;
  let hasFacade = true;
  const received: { path: string | undefined; headers: IncomingHttpHeaders }[] = [];

  const start = async (): Promise<void> => {
    received.length = 0;
    status = 200;
    service = createServer(({ url, headers }, response) => {
      received.push({ path: url, headers });
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '5' }).end('{"code":"theirs"}');
    });
    await new Promise<void>((resolve) => void service.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    fastify = makeFastify();
    acceptEmptyJsonBodies(fastify);
    drainUnreadBodies(fastify);
    const settings = {
      PRODUCER_URL: url,
      QUERY_API_URL: url,
      AUTH_AUDIENCE: 'orders',
      FORWARDED_PER_CALLER: 0,
      FORWARDED_IN_TOTAL: 0,
      ...(hasFacade && { FACADE_URL: url }),
    };
    await forwardToServices(fastify, settings);
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  };
  const stop = async (): Promise<void> => {
    await fastify.close();
    service.close();
  };
  beforeEach(start);
  afterEach(stop);

  const origin = () => `http://127.0.0.1:${(fastify.server.address() as AddressInfo).port}`;

  it('sends a request once, even when the answer is 503', async () => {
    status = 503;
    const answer = await fetch(`${origin()}/v1/operations?pageSize=6`);
    expect([answer.status, await answer.json()]).toEqual([503, { code: 'theirs' }]);
    expect(received.map(({ path }) => path)).toEqual(['/v1/operations?pageSize=6']);
  });

  it('forwards the metrics of the query API', async () => {
    await fetch(`${origin()}/query-api/metrics`);
    expect(received.map(({ path }) => path)).toEqual(['/metrics']);
  });

  it('forwards the migration to the facade, and a console without one has no migration', async () => {
    await fetch(`${origin()}/v1/migration/read-by-id`, { method: 'POST', headers: { authorization: 'Bearer mine' } });
    expect(received).toMatchObject([{ path: '/v1/migration/read-by-id', headers: { authorization: 'Bearer mine' } }]);
    hasFacade = false;
    await stop();
    await start();
    hasFacade = true;
    expect((await fetch(`${origin()}/v1/migration`)).status).toBe(404);
  });

  it('sends the token of the caller, but not the Origin header', async () => {
    await fetch(`${origin()}/v1/orders`, { headers: { authorization: 'Bearer mine', origin: 'http://localhost' } });
    expect(received[0]?.headers).toMatchObject({ authorization: 'Bearer mine' });
    expect(received[0]?.headers.origin).toBeUndefined();
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
  ])(
    'returns the answer although the service does not read the whole body, %s',
    async (_, length, body) => {
      status = 413;
      for (let round = 0; round < 10; round += 1) {
        const socket = connect((fastify.server.address() as AddressInfo).port, '127.0.0.1');
        const head = `POST /v1/populate HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n${length}\r\n\r\n`;
        // The client reads nothing before it has written everything.
        await pipeline([head, ...body], socket, { end: false });
        const answer = text(socket);
        socket.end();
        expect(await answer).toMatch(/^HTTP\/1.1 413 [^]*theirs/);
      }
    },
    30_000,
  );

  it('aborts the forwarded request when the caller disconnects before its body is complete', async () => {
    const arrived = Promise.withResolvers<IncomingMessage>();
    service.removeAllListeners('request').once('request', arrived.resolve);
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
    const host = `127.0.0.1:${(service.address() as AddressInfo).port}`;
    expect(headers).toEqual({ ...passed, host, 'x-forwarded-for': '127.0.0.1' });
  });

  it('does not forward other paths', async () => {
    for (const path of ['/v1/pipelines', '/v1/operationsx', '/health/live'])
      expect((await fetch(`${origin()}${path}`)).status).toBe(404);
    expect(received).toEqual([]);
  });
});
