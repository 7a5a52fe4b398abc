import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '@orders-pipeline/clock/testing';
import makeFastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { ANSWER_WHILE_CLOSING, closeIdleConnections } from './ready-close.js';
import { Places } from './places.js';
import { limitTransfers } from './transfer-limits.js';

const SECOND = 1_000;
const KIB = 1024;
const LIMITS = { bodyMs: 600 * SECOND, bodyBytesPerSecond: 1_000 };
const PLACES = { EXPORTS_PER_CALLER: 0, EXPORTS_IN_TOTAL: 0 };
const EVENT = 'data: 1\n\n';

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(64 * KIB, 'x');
}

function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: here\r\n${headers}\r\n`;
}

/** Waits until a chunk that can be sent would have been sent. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await setImmediate();
}

describe('a response', () => {
  let clock: ManualClock;
  let fastify: FastifyInstance;
  let sockets: Socket[];
  let exports: Places;
  let events: Readable;
  let begun: string[];
  /** The bytes that the kernel has taken and the client has not acknowledged: here a matter of the test. */
  let queued: number | undefined;
  let hanging: PromiseWithResolvers<void>;

  beforeAll(() => Logger.overrideLogger(false));

  beforeEach(async () => {
    clock = new ManualClock();
    sockets = [];
    begun = [];
    queued = 0;
    hanging = Promise.withResolvers();
    exports = new Places({ setting: 'EXPORTS', name: 'exports', code: 'too-many-exports' }, PLACES);
    events = new Readable({ read: () => undefined });
    fastify = makeFastify(ANSWER_WHILE_CLOSING);
    closeIdleConnections(fastify);
    limitTransfers(fastify, LIMITS, clock, () => Promise.resolve(() => queued));
    fastify.decorateRequest('caller', null);
    fastify.addHook('onRequest', (request, _reply, done) => {
      const { 'valid-until': validUntil } = request.headers;
      begun.push(request.url);
      if (validUntil !== undefined)
        request.caller = { subject: 'ann', clientId: null, scopes: new Set(), validUntil: Number(validUntil) };
      done();
    });
    const exported = (type: string, body: () => Readable) => async (_request: unknown, reply: FastifyReply) => {
      exports.hold({ caller: null, ip: '127.0.0.1' }, reply);
      return reply.type(type).send(body());
    };
    fastify.get(
      '/export',
      exported('text/plain', () => Readable.from(endless(), { objectMode: false })),
    );
    fastify.get(
      '/events',
      exported('text/event-stream; charset=utf-8', () => events),
    );
    fastify.get(
      '/slow-export',
      exported('text/plain', () => events),
    );
    fastify.get('/hanging', async () => hanging.promise);
    fastify.post('/orders', () => 'taken');
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  });

  afterEach(async () => {
    hanging.resolve();
    for (const socket of sockets) socket.destroy();
    await fastify.close();
  });

  /** Connects a client that reads nothing by itself, and sends a request. */
  async function client(request: string): Promise<{ socket: Socket; accepted: Socket; isCut: () => boolean }> {
    const accepting = once(fastify.server, 'connection') as Promise<[Socket]>;
    const socket = connect((fastify.server.address() as AddressInfo).port, '127.0.0.1');
    socket.pause();
    sockets.push(socket);
    socket.on('error', ({ message }) => expect(message).toContain('ECONNRESET'));
    const [accepted] = await accepting;
    const before = begun.length;
    socket.write(request);
    while (begun.length === before) await setImmediate();
    return { socket, accepted, isCut: () => accepted.destroyed };
  }

  /** Connects a client that stops reading, and waits until the kernel takes no more of its response. */
  async function stalled(request = get('/export')) {
    const connected = await client(request);
    const { accepted } = connected;
    let before = -1;
    while (accepted.writableLength === 0 || accepted.bytesWritten !== before) {
      before = accepted.bytesWritten;
      await settled();
    }
    return connected;
  }

  async function advance(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) await clock.advance(SECOND);
  }

  it('is cut within 40 s when its client stops reading, and gives back its place', async () => {
    const readers: Awaited<ReturnType<typeof stalled>>[] = [];
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
      while (socket.bytesRead < bytesRead + 8 * 1024 * KIB) await setImmediate();
      socket.pause();
      await settled();
    }
    expect(isCut()).toBe(false);
  });

  it('is not cut as an idle event stream, however long', async () => {
    const { socket, isCut } = await client(get('/events'));
    events.push(EVENT);
    socket.resume();
    await once(socket, 'data');
    await advance(3_600);
    expect([isCut(), exports.count]).toEqual([false, 1]);
  });

  it('is not cut while its handler works, which may take minutes', async () => {
    const { isCut } = await client(get('/hanging'));
    await advance(600);
    expect(isCut()).toBe(false);
  });

  describe('whose token expires', () => {
    const TOKEN = `valid-until: ${10 * SECOND}\r\n`;

    it('ends as a whole, if it is an event stream', async () => {
      const { socket } = await client(get('/events', TOKEN));
      events.push(EVENT);
      const received = text(socket);
      const ended = once(events, 'close');
      await advance(9);
      expect(events.readableEnded).toBe(false);
      await advance(4);
      await ended;
      await fastify.close();
      expect(await received).toMatch(/data: 1\n\n\r\n0\r\n\r\n$/);
    });

    it.each([
      ['is cut without its last chunk, if it is an export that is read', true],
      ['is cut if it is an export that is not read', false],
    ])('%s', async (_, isRead) => {
      const { socket, isCut } = await stalled(get('/export', TOKEN));
      if (isRead) socket.resume();
      await advance(9);
      expect(isCut()).toBe(false);
      await advance(4);
      expect(isCut()).toBe(true);
    });

    it('is cut without its last chunk, if it is an export that waits for the next part', async () => {
      const { socket, isCut } = await client(get('/slow-export', TOKEN));
      events.push('an order\n');
      socket.resume();
      await once(socket, 'data');
      await advance(13);
      expect(isCut()).toBe(true);
    });

    it('is cut if it is an event stream that is not read', async () => {
      events = Readable.from(endless());
      const { isCut } = await stalled(get('/events', TOKEN));
      await advance(13);
      expect(isCut()).toBe(true);
    });
  });

  describe('of a service that stops', () => {
    it('is cut some seconds later, so that the service stops', async () => {
      const [unread, reading] = [await stalled(), await stalled()];
      reading.socket.resume();
      const { isCut } = await client(
        'POST /orders HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n',
      );
      const closed = fastify.close();
      while (fastify.server.listening) await setImmediate();
      await advance(4);
      expect([unread.isCut(), reading.isCut(), isCut()]).toEqual([false, false, false]);
      await advance(1);
      expect([unread.isCut(), reading.isCut(), isCut()]).toEqual([true, true, true]);
      await closed;
    });

    it('is awaited as long as its handler works', async () => {
      const { socket, isCut } = await client(get('/hanging'));
      const answered = text(socket);
      const closed = fastify.close();
      while (fastify.server.listening) await setImmediate();
      await advance(10);
      expect(isCut()).toBe(false);
      hanging.resolve();
      expect(await answered).toMatch(/^HTTP\/1.1 200 /);
      await closed;
    });
  });
});
