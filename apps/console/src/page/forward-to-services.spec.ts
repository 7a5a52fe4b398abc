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

describe('what is passed on to the other services', () => {
  let fastify: FastifyInstance;
  let service: Server;
  let status: number;
  const asked: { path: string | undefined; headers: IncomingHttpHeaders }[] = [];

  beforeEach(async () => {
    asked.length = 0;
    status = 200;
    service = createServer(({ url, headers }, response) => {
      asked.push({ path: url, headers });
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '5' }).end('{"code":"theirs"}');
    });
    await new Promise<void>((resolve) => void service.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    fastify = makeFastify();
    acceptEmptyJsonBodies(fastify);
    drainUnreadBodies(fastify);
    await forwardToServices(fastify, { PRODUCER_URL: url, QUERY_API_URL: url });
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  });

  afterEach(async () => {
    await fastify.close();
    service.close();
  });

  const origin = () => `http://127.0.0.1:${(fastify.server.address() as AddressInfo).port}`;

  it('is asked for once, also when it is answered with 503', async () => {
    status = 503;
    const answer = await fetch(`${origin()}/v1/operations?pageSize=6`);
    expect([answer.status, await answer.json()]).toEqual([503, { code: 'theirs' }]);
    expect(asked.map(({ path }) => path)).toEqual(['/v1/operations?pageSize=6']);
  });

  it('has the token of the caller, and not where its page is from', async () => {
    await fetch(`${origin()}/v1/orders`, { headers: { authorization: 'Bearer mine', origin: 'http://localhost' } });
    expect(asked[0]?.headers).toMatchObject({ authorization: 'Bearer mine' });
    expect(asked[0]?.headers.origin).toBeUndefined();
  });

  it('may be announced before it is sent, as curl does with what is large', async () => {
    const answered = Promise.withResolvers<unknown>();
    const sending = request(`${origin()}/v1/imports`, { method: 'POST', headers: { expect: '100-continue' } });
    sending.on('continue', () => sending.end('[]'));
    sending.on('response', (response) => answered.resolve(json(response)));
    sending.flushHeaders();
    expect(await answered.promise).toEqual({ code: 'theirs' });
  });

  it('may have an empty body, also with the content type JSON', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${origin()}/v1/operations/1/pause`, { method: 'POST', headers });
    expect([answer.status, asked[0]?.headers['content-length']]).toEqual([200, '0']);
  });

  it.each([
    ['of an announced length', `content-length: ${LARGE}`, [' '.repeat(LARGE)]],
    ['in chunks', 'transfer-encoding: chunked', [`${LARGE.toString(16)}\r\n`, ' '.repeat(LARGE), '\r\n0\r\n\r\n']],
  ])('has its answer, though the service does not read all of the body, %s', async (_, length, body) => {
    status = 413;
    for (let round = 0; round < 10; round += 1) {
      const socket = connect((fastify.server.address() as AddressInfo).port, '127.0.0.1');
      const head = `POST /v1/populate HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n${length}\r\n\r\n`;
      // It reads nothing before it has written everything.
      await pipeline([head, ...body], socket, { end: false });
      const answer = text(socket);
      socket.end();
      expect(await answer).toMatch(/^HTTP\/1.1 413 [^]*theirs/);
    }
  });

  it('breaks off there when the caller leaves before its body is complete', async () => {
    const arrived = Promise.withResolvers<IncomingMessage>();
    service.removeAllListeners('request').once('request', arrived.resolve);
    const sending = request(`${origin()}/v1/imports`, { method: 'POST' });
    sending.on('error', ({ message }) => expect(message).toBe('socket hang up'));
    sending.write('[');
    const there = await arrived.promise;
    const ended = new Promise((resolve) => void there.once('close', resolve));
    there.on('error', ({ message }) => expect(message).toBe('aborted')).resume();
    sending.destroy();
    await ended;
    expect(there.complete).toBe(false);
  });

  it('is none of theirs where the path is not', async () => {
    for (const path of ['/v1/pipelines', '/v1/operationsx', '/health/live'])
      expect((await fetch(`${origin()}${path}`)).status).toBe(404);
    expect(asked).toEqual([]);
  });
});
