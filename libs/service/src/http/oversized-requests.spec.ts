import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import makeFastify, { type FastifyInstance } from 'fastify';
import { ProblemFilter } from './problem-filter.js';
import { requestId } from './request-ids.js';
import { connectionLimits } from './transfer-limits.js';
import { drainUnreadBodies } from './unread-bodies.js';

const KIB = 1_024;
const BODY_LIMIT = 64 * KIB;
const BEGIN = 'POST /orders HTTP/1.1\r\nhost: here\r\nconnection: close\r\n';
const JSON_TYPE = 'content-type: application/json\r\n';

/** A whole chunk of a chunked body, without its end. */
function chunk(content: string): string {
  return `${content.length.toString(16)}\r\n${content}\r\n`;
}

describe('an oversized request', () => {
  let fastify: FastifyInstance;

  beforeEach(async () => {
    fastify = makeFastify({ http: connectionLimits(30_000), bodyLimit: BODY_LIMIT, genReqId: requestId });
    drainUnreadBodies(fastify);
    const problems = new ProblemFilter();
    fastify.setErrorHandler((error, request, reply) => problems.send(error, request, reply));
    fastify.get('/orders/:id', () => 'found');
    fastify.post('/orders', ({ body }) => (Array.isArray(body) ? 'taken' : 'empty'));
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  });

  afterEach(async () => {
    await fastify.close();
  });

  /** Returns the status of the response to these bytes. */
  async function statusOf(request: string): Promise<number> {
    const socket = connect((fastify.server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    // The service may close while this client still writes.
    socket.on('error', () => undefined);
    socket.write(request);
    // A rest of the body may be read and dropped after the response, so the end of the connection is not awaited.
    const [response] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(response.toString())?.[1]);
  }

  it.each<[string, number, () => string]>([
    ['one header of 20 KiB', 431, () => `${BEGIN}x-much: ${'x'.repeat(20 * KIB)}\r\n\r\n`],
    [
      '1,500 headers',
      431,
      () => `${BEGIN}${Array.from({ length: 1_500 }, (_, nth) => `x-${nth}: 12345678\r\n`).join('')}\r\n`,
    ],
    ['a path of 20 KiB', 431, () => `GET /orders/${'x'.repeat(20 * KIB)} HTTP/1.1\r\nhost: here\r\n\r\n`],
    [
      'an id of 8 KiB',
      414,
      () => `GET /orders/${'x'.repeat(8 * KIB)} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n`,
    ],
    ['an announced body of 1 TiB', 413, () => `${BEGIN}${JSON_TYPE}content-length: ${KIB ** 4}\r\n\r\n[`],
    [
      'a chunked body without end',
      413,
      () => `${BEGIN}${JSON_TYPE}transfer-encoding: chunked\r\n\r\n${chunk(`["${'x'.repeat(BODY_LIMIT)}`)}`,
    ],
    ['two lengths of one body', 400, () => `${BEGIN}${JSON_TYPE}content-length: 2\r\ncontent-length: 40\r\n\r\n[]`],
    [
      'a length and chunks',
      400,
      () => `${BEGIN}${JSON_TYPE}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n${chunk('[]')}0\r\n\r\n`,
    ],
  ])('with %s gets %i', async (_what, status, request) => {
    expect(await statusOf(request())).toBe(status);
    const next = await fastify.inject({ url: '/orders/1' });
    expect(next.statusCode).toBe(200);
  });

  it('of 30,000 nested arrays is parsed without harm', async () => {
    const depth = 30_000;
    const body = '['.repeat(depth) + ']'.repeat(depth);
    expect(await statusOf(`${BEGIN}${JSON_TYPE}content-length: ${body.length}\r\n\r\n${body}`)).toBe(200);
  });
});
