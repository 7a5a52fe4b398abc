import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import makeFastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { ANSWER_WHILE_CLOSING, closeIdleConnections, connectionLimits } from './connections.js';
import { ConcurrencyLimit } from './concurrency-limit.js';
import { connected, listening, requestBytes, withProblems, type RawClient } from './testing/served-app.js';
import { limitTransfers } from './transfer-limits.js';
import { drainUnreadBodies } from './request-bodies.js';

const SECOND = 1_000;
const KIB = 1024;
const MIB = 1024 * KIB;
const LIMITS = { bodyMs: 30 * SECOND, bodyBytesPerSecond: 1_000 };
const EVENT = 'data: 1\n\n';

let clock: ManualClock;
let app: FastifyInstance;
let port: number;
let begun: number;
let exports: ConcurrencyLimit;
let events: Readable;
/** The bytes that the kernel has taken and the client has not acknowledged: here a matter of the test. */
let queued: number | undefined;
let hanging: PromiseWithResolvers<void>;
/** Resolves when the handler of an upload may read. */
let mayRead: Promise<void>;
let received: number;

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(64 * KIB, 'x');
}

async function readUpload({ raw }: FastifyRequest): Promise<string> {
  await mayRead;
  for await (const chunk of raw) received += (chunk as Buffer).length;
  return `${received} bytes`;
}

/** Sends this body, and holds a place as long. */
function exported(type: string, body: () => Readable) {
  return async (_request: unknown, reply: FastifyReply) => {
    exports.hold({ caller: null, ip: '127.0.0.1' }, reply);
    return reply.type(type).send(body());
  };
}

beforeAll(() => Logger.overrideLogger(false));

beforeEach(async () => {
  clock = new ManualClock();
  begun = 0;
  queued = 0;
  received = 0;
  hanging = Promise.withResolvers();
  mayRead = Promise.resolve();
  const unlimited = { EXPORTS_PER_CALLER: 0, EXPORTS_IN_TOTAL: 0 };
  exports = new ConcurrencyLimit({ setting: 'EXPORTS', name: 'exports', code: 'too-many-exports' }, unlimited);
  events = new Readable({ read: () => undefined });
  app = withProblems(makeFastify(ANSWER_WHILE_CLOSING));
  closeIdleConnections(app);
  drainUnreadBodies(app);
  limitTransfers(app, LIMITS, clock, () => Promise.resolve(() => queued));
  app.decorateRequest('caller', null);
  app.addHook('onRequest', (request, _reply, done) => {
    const { 'valid-until': validUntil } = request.headers;
    begun += 1;
    if (validUntil !== undefined)
      request.caller = { subject: 'ann', clientId: null, scopes: new Set(), validUntil: Number(validUntil) };
    done();
  });
  const endlessText = exported('text/plain', () => Readable.from(endless(), { objectMode: false }));
  const eventStream = exported('text/event-stream; charset=utf-8', () => events);
  const slowText = exported('text/plain', () => events);
  app.addContentTypeParser('application/zip', (_request, _payload, done) => done(null));
  app.get('/export', endlessText);
  app.get('/events', eventStream);
  app.get('/slow-export', slowText);
  app.get('/hanging', async () => hanging.promise);
  app.get('/orders', () => 'here');
  app.post('/orders', () => 'taken');
  app.route({ method: 'POST', url: '/files', handler: readUpload });
  port = await listening(app);
});

interface Client extends RawClient {
  readonly isCut: () => boolean;
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await setImmediate();
}

/** Waits until a chunk that can be sent would have been sent. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await setImmediate();
}

/** Connects a client that reads nothing by itself, and waits until its request has begun. */
async function client(bytes: string): Promise<Client> {
  const before = begun;
  const connection = await connected(app, bytes);
  await until(() => begun > before);
  return { ...connection, isCut: () => connection.accepted.destroyed };
}

/** Connects a client that stops reading, and waits until the kernel takes no more of its response. */
async function stalled(request = requestBytes('GET /export')): Promise<Client> {
  const connection = await client(request);
  const { accepted } = connection;
  let before = -1;
  while (accepted.writableLength === 0 || accepted.bytesWritten !== before) {
    before = accepted.bytesWritten;
    await settled();
  }
  return connection;
}

/** The headers of a request whose body is announced with this length. */
function head(path: string, type: string, bytes: number): string {
  return requestBytes(`POST ${path}`, { 'content-type': type, 'content-length': bytes });
}

async function advance(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) await clock.advance(SECOND);
}

describe('a body that arrives slowly', () => {
  it('is answered with 408 although a byte arrives every second, and the connection is closed', async () => {
    const { socket, response } = await client(head('/orders', 'application/json', 1_000));
    const answer = response();
    for (let second = 0; second < 33; second += 1) {
      if (socket.writable) socket.write(' ');
      await clock.advance(SECOND);
    }
    expect(await answer).toMatch(/^HTTP\/1.1 408 [^]*connection: close[^]*"code":"body-too-slow"/i);
  });

  it('does not delay the requests of others, even if there are 200 of them', async () => {
    const slow: Client[] = [];
    for (let nth = 0; nth < 200; nth += 1) slow.push(await client(`${head('/orders', 'application/json', 1_000)}{`));
    expect(await (await fetch(`http://127.0.0.1:${port}/orders`)).text()).toBe('here');
    await clock.advance(33 * SECOND);
    const answers = await Promise.all(slow.map(async ({ response }) => response()));
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
    expect(await response()).toMatch(/^HTTP\/1.1 408 /);
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
    socket.end();
    expect(await response()).toMatch(/^HTTP\/1.1 200 [^]*600000 bytes$/);
  });

  it('is received when the service did not read it for a long time', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    mayRead = promise;
    const { socket, response } = await client(`${head('/files', 'application/zip', 8 * MIB)}${' '.repeat(8 * MIB)}`);
    for (let period = 0; period < 10; period += 1) await clock.advance(LIMITS.bodyMs);
    resolve();
    socket.end();
    expect(await response()).toMatch(/^HTTP\/1.1 200 [^]*8388608 bytes$/);
  });
});

describe('a response', () => {
  it('is cut within 40 s when its client stops reading, and gives back its place', async () => {
    const readers: Client[] = [];
    for (let nth = 0; nth < 8; nth += 1) readers.push(await stalled());
    expect(exports.count).toBe(8);
    await advance(29);
    expect(readers.map(({ isCut }) => isCut())).not.toContain(true);
    await advance(10);
    expect(readers.map(({ isCut }) => isCut())).not.toContain(false);
    await settled();
    expect(exports.count).toBe(0);
  });

  it('is not cut while its client takes 1 KiB/s, although Node sees no progress for minutes', async () => {
    let waiting = 3_000 * KIB;
    queued = waiting;
    const { isCut } = await stalled();
    const takes = async (bytesPerSecond: number, seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        waiting -= bytesPerSecond;
        // A reading of the kernel's table can miss a connection.
        queued = second % 7 === 3 ? undefined : waiting;
        await clock.advance(SECOND);
      }
    };
    await takes(1.2 * KIB, 600);
    expect(isCut()).toBe(false);
    await takes(0.8 * KIB, 80);
    expect(isCut()).toBe(true);
  });

  it('is not cut while its client reads with pauses', async () => {
    const { socket, isCut } = await stalled();
    for (let pause = 0; pause < 5; pause += 1) {
      await advance(25);
      const { bytesRead } = socket;
      socket.resume();
      await until(() => socket.bytesRead >= bytesRead + 8 * MIB);
      socket.pause();
      await settled();
    }
    expect(isCut()).toBe(false);
  });

  it('is not cut as an idle event stream, however long', async () => {
    const { begin, isCut } = await client(requestBytes('GET /events'));
    events.push(EVENT);
    await begin();
    await advance(3_600);
    expect([isCut(), exports.count]).toEqual([false, 1]);
  });

  it('is not cut while its handler works, which may take minutes', async () => {
    const { isCut } = await client(requestBytes('GET /hanging'));
    await advance(600);
    expect(isCut()).toBe(false);
    hanging.resolve();
  });
});

describe('a response whose token expires', () => {
  const TOKEN = { 'valid-until': 10 * SECOND };

  it('ends as a whole, if it is an event stream', async () => {
    const { response } = await client(requestBytes('GET /events', TOKEN));
    events.push(EVENT);
    const whole = response();
    const ended = once(events, 'close');
    await advance(9);
    expect(events.readableEnded).toBe(false);
    await advance(4);
    await ended;
    await app.close();
    expect(await whole).toMatch(/data: 1\n\n\r\n0\r\n\r\n$/);
  });

  it.each([
    ['is cut without its last chunk, if it is an export that is read', true],
    ['is cut if it is an export that is not read', false],
  ])('%s', async (_, isRead) => {
    const { socket, isCut } = await stalled(requestBytes('GET /export', TOKEN));
    if (isRead) socket.resume();
    await advance(9);
    expect(isCut()).toBe(false);
    await advance(4);
    expect(isCut()).toBe(true);
  });

  it('is cut without its last chunk, if it is an export that waits for the next part', async () => {
    const { begin, isCut } = await client(requestBytes('GET /slow-export', TOKEN));
    events.push('an order\n');
    await begin();
    await advance(13);
    expect(isCut()).toBe(true);
  });

  it('is cut if it is an event stream that is not read', async () => {
    events = Readable.from(endless());
    const { isCut } = await stalled(requestBytes('GET /events', TOKEN));
    await advance(13);
    expect(isCut()).toBe(true);
  });
});

describe('a transfer of a service that stops', () => {
  it('is cut some seconds later, so that the service stops', async () => {
    const transfers = [await stalled(), await stalled(), await client(head('/orders', 'application/json', 9))];
    transfers[1]?.socket.resume();
    const closed = app.close();
    await until(() => !app.server.listening);
    await advance(4);
    expect(transfers.map(({ isCut }) => isCut())).toEqual([false, false, false]);
    await advance(1);
    expect(transfers.map(({ isCut }) => isCut())).toEqual([true, true, true]);
    await closed;
  });

  it('is awaited as long as its handler works', async () => {
    const { response, isCut } = await client(requestBytes('GET /hanging'));
    const closed = app.close();
    await until(() => !app.server.listening);
    await advance(10);
    expect(isCut()).toBe(false);
    hanging.resolve();
    expect(await response()).toMatch(/^HTTP\/1.1 200 /);
    await closed;
  });
});

describe('a connection without a whole request', () => {
  it('may last longer than the five minutes that Node allows by default', async () => {
    const patient = makeFastify({ http: connectionLimits(3_600 * SECOND) });
    expect(patient.server).toMatchObject({ headersTimeout: 3_600 * SECOND, requestTimeout: 0 });
    await patient.close();
  });

  it.each(['', 'GET /orders HTT', 'GET /orders HTTP/1.1\r\nhost: here\r\n'])('is closed after "%s"', async (sent) => {
    const impatient = makeFastify({ http: connectionLimits(50) });
    await listening(impatient);
    const { response } = await connected(impatient, sent);
    expect(await response()).toMatch(/^HTTP\/1.1 408 /);
  });
});

/** Reads the timer of a connection that this process has accepted (Linux, "proc_net_tcp"): its kind, and the seconds until it ends. */
async function timerOf({ localPort, remotePort }: Socket): Promise<{ kind: number; seconds: number }> {
  const ports = [localPort, remotePort].map((each) => Number(each).toString(16).toUpperCase().padStart(4, '0'));
  const line = new RegExp(`:${ports[0]} [\\dA-F]+:${ports[1]} \\S+ \\S+ (\\d\\d):([\\dA-F]+)`);
  const [, kind, ticks = ''] = line.exec(await readFile('/proc/net/tcp', 'latin1')) ?? [];
  return { kind: Number(kind), seconds: Number.parseInt(ticks, 16) / 100 };
}

const KEEP_ALIVE = 2;

describe('a silent connection', () => {
  it('is probed by TCP after a minute, so that one whose client has disappeared is closed (Linux)', async () => {
    if (process.platform !== 'linux') return;
    const probing = makeFastify({ http: connectionLimits(30 * SECOND) });
    await listening(probing);
    const { kind, seconds } = await timerOf((await connected(probing)).accepted);
    expect(kind).toBe(KEEP_ALIVE);
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(60);
  });
});
