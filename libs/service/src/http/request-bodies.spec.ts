import { pipeline } from 'node:stream/promises';
import compress from '@fastify/compress';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { fastify as makeFastify, type FastifyInstance, type FastifyReply } from 'fastify';
import { acceptEmptyJsonBodies, drainUnreadBodies, type DrainLimits } from './request-bodies.js';
import { requestId } from './http-shell.js';
import { connected, listening, requestBytes, withProblems } from './testing/served-app.js';
import { connectionLimits } from './connections.js';

const KIB = 1_024;
const MIB = 1_024 * KIB;
const JSON_TYPE = { 'content-type': 'application/json' };
const CHUNKED = { 'transfer-encoding': 'chunked' };
const CLOSE = { connection: 'close' };

const ofLength = (bytes: number): Record<string, number> => ({ 'content-length': bytes });

/** Returns one chunk of a chunked body. */
function chunk(content: string): string {
  return `${content.length.toString(16)}\r\n${content}\r\n`;
}

const LARGE = 20 * MIB;
const GENEROUS: DrainLimits = { bytes: 2 * LARGE, milliseconds: 60_000 };

async function reject(_request: unknown, reply: FastifyReply): Promise<unknown> {
  return reply.code(401).send('refused');
}

async function serve(limits: DrainLimits): Promise<FastifyInstance> {
  const app = makeFastify({ bodyLimit: 1_000 });
  drainUnreadBodies(app, limits);
  await app.register(compress, { threshold: 0 });
  app.post('/orders', () => 'taken');
  app.post('/refused', { onRequest: reject }, () => 'taken');
  await listening(app);
  return app;
}

function post(path: string, headers: Record<string, string | number>, body = ''): string {
  return requestBytes(`POST ${path}`, { ...JSON_TYPE, ...headers }, body);
}

describe('a response to a request whose body was not read', () => {
  it.each<[string, Record<string, string | number>, () => Iterable<string>]>([
    ['with a Content-Length', ofLength(LARGE), () => Array.from({ length: 20 }, () => ' '.repeat(MIB))],
    ['chunked', CHUNKED, () => [...Array.from({ length: 20 }, () => chunk(' '.repeat(MIB))), '0\r\n\r\n']],
    ['with Connection: close', { ...CLOSE, ...ofLength(LARGE) }, () => [' '.repeat(LARGE)]],
  ])('reaches a client that first writes the whole body, which is over the limit, %s', async (_, headers, body) => {
    const { socket, response } = await connected(await serve(GENEROUS));
    await pipeline([post('/orders', headers), ...body()], socket, { end: false });
    expect(await response()).toMatch(/^HTTP\/1.1 413 [^]*FST_ERR_CTP_BODY_TOO_LARGE/);
  });

  it('is sent before the body arrives, also to a client that accepts compression', async () => {
    const headers = { 'accept-encoding': 'gzip', ...ofLength(LARGE) };
    const { begin } = await connected(await serve(GENEROUS), post('/orders', headers));
    const received = await begin();
    expect(received).toContain('\r\n\r\n');
    expect(received).not.toContain('gzip');
  });

  it('keeps the connection open if it does not have to close it', async () => {
    const requests = `${post('/refused', ofLength(4), 'null')}${post('/orders', { ...CLOSE, ...ofLength(4) }, 'null')}`;
    const { response } = await connected(await serve(GENEROUS), requests);
    expect(await response()).toMatch(/^HTTP\/1.1 401 [^]*HTTP\/1.1 200 [^]*taken$/);
  });

  it('closes the connection beyond the limit of bytes', async () => {
    const app = await serve({ bytes: 2 * MIB, milliseconds: 60_000 });
    const { socket, response } = await connected(app, post('/orders', CHUNKED));
    const failed = new Promise<Error>((resolve) => void socket.once('error', resolve));
    const writeOn = (): void => void socket.write(chunk(' '.repeat(MIB)), (error) => error ?? writeOn());
    writeOn();
    expect(await response()).toMatch(/^HTTP\/1.1 413 /);
    expect(String(await failed)).toMatch(/ECONNRESET|EPIPE/);
  });

  it.each([
    ['a body over the limit', '/orders', ' '.repeat(2_000)],
    ['a request that was rejected before its body', '/refused', ' '],
  ])('closes the connection beyond the time limit, for %s', async (_, path, begun) => {
    const app = await serve({ bytes: LARGE, milliseconds: 50 });
    const { response } = await connected(app, post(path, ofLength(LARGE), begun));
    expect(await response()).toMatch(/^HTTP\/1.1 4\d\d /);
  });

  it('does not prevent a service from stopping', async () => {
    const app = await serve(GENEROUS);
    const { begin, response } = await connected(app, post('/orders', ofLength(LARGE)));
    expect(await begin()).toMatch(/^HTTP\/1.1 413 /);
    await app.close();
    await response();
  });
});

describe('an oversized request', () => {
  const BODY_LIMIT = 64 * KIB;
  const LONG = 'x'.repeat(20 * KIB);
  const MANY = Object.fromEntries(Array.from({ length: 1_500 }, (_, nth) => [`x-${nth}`, '12345678']));
  let app: FastifyInstance;

  beforeEach(async () => {
    app = withProblems(makeFastify({ http: connectionLimits(30_000), bodyLimit: BODY_LIMIT, genReqId: requestId }));
    drainUnreadBodies(app);
    app.get('/orders/:id', () => 'found');
    app.post('/orders', ({ body }) => (Array.isArray(body) ? 'taken' : 'empty'));
    await listening(app);
  });

  /** Returns the status of the response. The rest of the body may be read and dropped after it, so that only its begin is awaited. */
  async function statusOf(begin: string, headers: Record<string, string | number>, body: string): Promise<number> {
    const client = await connected(app, requestBytes(begin, { ...CLOSE, ...headers }, body));
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(await client.begin())?.[1]);
  }

  it.each([
    ['one header of 20 KiB', 431, 'POST /orders', { 'x-much': LONG }, ''],
    ['1,500 headers', 431, 'POST /orders', MANY, ''],
    ['a path of 20 KiB', 431, `GET /orders/${LONG}`, {}, ''],
    ['an id of 8 KiB', 414, `GET /orders/${'x'.repeat(8 * KIB)}`, {}, ''],
    ['an announced body of 1 TiB', 413, 'POST /orders', { ...JSON_TYPE, ...ofLength(KIB ** 4) }, '['],
    [
      'a chunked body without end',
      413,
      'POST /orders',
      { ...JSON_TYPE, ...CHUNKED },
      chunk(`["${'x'.repeat(BODY_LIMIT)}`),
    ],
    ['two lengths of one body', 400, 'POST /orders', { ...JSON_TYPE, ...ofLength(2), 'Content-Length': 40 }, '[]'],
    [
      'a length and chunks',
      400,
      'POST /orders',
      { ...JSON_TYPE, ...ofLength(2), ...CHUNKED },
      `${chunk('[]')}0\r\n\r\n`,
    ],
  ])('with %s gets %i', async (_what, status, begin, headers, body) => {
    expect(await statusOf(begin, headers, body)).toBe(status);
    expect((await app.inject({ url: '/orders/1' })).statusCode).toBe(200);
  });

  it('of 30,000 nested arrays is parsed without harm', async () => {
    const depth = 30_000;
    const body = '['.repeat(depth) + ']'.repeat(depth);
    expect(await statusOf('POST /orders', { ...JSON_TYPE, ...ofLength(body.length) }, body)).toBe(200);
  });
});

async function posted(payload: string, headers: Record<string, string> = {}): Promise<unknown[]> {
  const app = withProblems(makeFastify());
  acceptEmptyJsonBodies(app);
  app.post('/pause', ({ body }) => ({ body: body ?? 'none' }));
  const response = await app.inject({ method: 'POST', url: '/pause', headers: { ...JSON_TYPE, ...headers }, payload });
  return [response.statusCode, response.json<{ body?: unknown }>().body];
}

describe('a request with the content type JSON', () => {
  it.each([{ 'content-length': '0' }, CHUNKED, { 'content-type': 'application/json; charset=utf-8' }])(
    'may have an empty body, with %j',
    async (headers) => {
      expect(await posted('', headers)).toEqual([200, 'none']);
    },
  );

  it('has its body parsed', async () => {
    expect(await posted('{"count": 1}')).toEqual([200, { count: 1 }]);
  });

  it.each(['{"count": 1', '{"__proto__": {}}', '{"constructor": {"prototype": {}}}'])(
    'is rejected with 400 for the body %s',
    async (body) => {
      expect(await posted(body)).toEqual([400, undefined]);
    },
  );
});
