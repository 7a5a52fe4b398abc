import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import makeFastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { ProblemFilter } from './problem-filter.js';
import { connectionLimits, limitTransfers } from './transfer-limits.js';
import { drainUnreadBodies } from './unread-bodies.js';

const SECOND = 1_000;
const LIMITS = { bodyMs: 30 * SECOND, bodyBytesPerSecond: 1_000 };
const MIB = 1024 * 1024;

/** A request whose body is announced with this length. */
function head(path: string, type: string, bytes: number): string {
  return `POST ${path} HTTP/1.1\r\nhost: here\r\ncontent-type: ${type}\r\ncontent-length: ${bytes}\r\n\r\n`;
}

describe('a body that arrives slowly', () => {
  let clock: ManualClock;
  let fastify: FastifyInstance;
  let sockets: Socket[];
  let received: number;
  /** Resolves when the handler of an upload may read. */
  let mayRead: Promise<void>;
  let arrivals: number;
  const waits: { isTrue: () => boolean; resolve: () => void }[] = [];

  /** Wakes the test's waits. */
  function changed(): void {
    for (const { isTrue, resolve } of waits) if (isTrue()) resolve();
  }

  async function until(isTrue: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      waits.push({ isTrue, resolve });
      changed();
    });
  }

  async function readUpload({ raw }: FastifyRequest): Promise<string> {
    await mayRead;
    for await (const chunk of raw) {
      received += (chunk as Buffer).length;
      changed();
    }
    return `${received} bytes`;
  }

  beforeEach(async () => {
    clock = new ManualClock();
    sockets = [];
    received = 0;
    arrivals = 0;
    mayRead = Promise.resolve();
    fastify = makeFastify();
    drainUnreadBodies(fastify);
    limitTransfers(fastify, LIMITS, clock);
    fastify.addHook('onRequest', (_request, _reply, done) => {
      arrivals += 1;
      changed();
      done();
    });
    const problems = new ProblemFilter();
    fastify.setErrorHandler((error, request, reply) => problems.send(error, request, reply));
    fastify.addContentTypeParser('application/zip', (_request, _payload, done) => done(null));
    fastify.get('/orders', () => 'here');
    fastify.post('/orders', () => 'taken');
    fastify.route({ method: 'POST', url: '/files', handler: readUpload });
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await fastify.close();
  });

  /** Connects a client, and returns what it receives until the connection is closed. */
  async function client(begin: string): Promise<{ socket: Socket; response: Promise<string> }> {
    const socket = connect((fastify.server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    socket.write(begin);
    return { socket, response: text(socket) };
  }

  it('is answered with 408 although a byte arrives every second, and the connection is closed', async () => {
    const { socket, response } = await client(head('/orders', 'application/json', 1_000));
    await until(() => arrivals === 1);
    for (let second = 0; second < 33; second += 1) {
      if (socket.writable) socket.write(' ');
      await clock.advance(SECOND);
    }
    expect(await response).toMatch(/^HTTP\/1.1 408 [^]*connection: close[^]*"code":"body-too-slow"/i);
  });

  it('does not delay the requests of others, even if there are 200 of them', async () => {
    const slow = await Promise.all(
      Array.from({ length: 200 }, async () => client(`${head('/orders', 'application/json', 1_000)}{`)),
    );
    await until(() => arrivals === 200);
    const url = `http://127.0.0.1:${(fastify.server.address() as AddressInfo).port}/orders`;
    expect(await (await fetch(url)).text()).toBe('here');
    await clock.advance(33 * SECOND);
    const answers = await Promise.all(slow.map(async ({ response }) => response));
    expect(new Set(answers.map((answer) => answer.slice(0, 12)))).toEqual(new Set(['HTTP/1.1 408']));
  });

  it('is answered with 408 when an upload stalls, also after many bytes', async () => {
    const { socket, response } = await client(head('/files', 'application/zip', 1_000 * MIB));
    socket.write(Buffer.alloc(MIB));
    await until(() => received === MIB);
    // The megabyte counts for the first period.
    await clock.advance(33 * SECOND);
    socket.write(Buffer.alloc(100));
    await until(() => received === MIB + 100);
    await clock.advance(33 * SECOND);
    expect(await response).toMatch(/^HTTP\/1.1 408 /);
  });

  it('is received as long as an upload progresses', async () => {
    const periods = 20;
    const perPeriod = 30_000;
    const { socket, response } = await client(head('/files', 'application/zip', periods * perPeriod));
    for (let period = 1; period <= periods; period += 1) {
      socket.write(Buffer.alloc(perPeriod));
      const expected = period * perPeriod;
      await until(() => received === expected);
      if (period < periods) await clock.advance(LIMITS.bodyMs);
    }
    await until(() => received === periods * perPeriod);
    socket.end();
    expect(await response).toMatch(/^HTTP\/1.1 200 [^]*600000 bytes$/);
  });

  it('is received when the service did not read it for a long time', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    mayRead = promise;
    const { socket, response } = await client(`${head('/files', 'application/zip', 8 * MIB)}${' '.repeat(8 * MIB)}`);
    await until(() => arrivals === 1);
    for (let period = 0; period < 10; period += 1) await clock.advance(LIMITS.bodyMs);
    resolve();
    socket.end();
    expect(await response).toMatch(/^HTTP\/1.1 200 [^]*8388608 bytes$/);
  });
});

describe('a connection without a whole request', () => {
  it('may last longer than the five minutes that Node allows by default', async () => {
    const fastify = makeFastify({ http: connectionLimits(3_600 * SECOND) });
    expect(fastify.server).toMatchObject({ headersTimeout: 3_600 * SECOND, requestTimeout: 0 });
    await fastify.close();
  });

  it.each(['', 'GET /orders HTT', 'GET /orders HTTP/1.1\r\nhost: here\r\n'])('is closed after "%s"', async (begun) => {
    const fastify = makeFastify({ http: connectionLimits(50) });
    await fastify.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect((fastify.server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(begun);
    expect(await text(socket)).toMatch(/^HTTP\/1.1 408 /);
    await fastify.close();
  });
});

/** Reads the timer of a connection that this process has accepted (Linux, "proc_net_tcp"): its kind, and the seconds until it ends. */
async function timerOf({ localPort, remotePort }: Socket): Promise<{ kind: number; seconds: number }> {
  const ports = [localPort, remotePort].map((port) => Number(port).toString(16).toUpperCase().padStart(4, '0'));
  const line = new RegExp(`:${ports[0]} [\\dA-F]+:${ports[1]} \\S+ \\S+ (\\d\\d):([\\dA-F]+)`);
  const [, kind, ticks = ''] = line.exec(await readFile('/proc/net/tcp', 'latin1')) ?? [];
  return { kind: Number(kind), seconds: Number.parseInt(ticks, 16) / 100 };
}

const KEEP_ALIVE = 2;

describe('a silent connection', () => {
  it('is probed by TCP after a minute, so that one whose client has disappeared is closed (Linux)', async () => {
    if (process.platform !== 'linux') return;
    const fastify = makeFastify({ http: connectionLimits(30 * SECOND) });
    await fastify.listen({ host: '127.0.0.1', port: 0 });
    const accepting = once(fastify.server, 'connection') as Promise<[Socket]>;
    const client = connect((fastify.server.address() as AddressInfo).port, '127.0.0.1');
    const { kind, seconds } = await timerOf((await accepting)[0]);
    expect(kind).toBe(KEEP_ALIVE);
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(60);
    client.destroy();
    await fastify.close();
  });
});
