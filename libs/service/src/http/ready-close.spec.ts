import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fastify as makeFastify, type FastifyInstance } from 'fastify';
import { ANSWER_WHILE_CLOSING, closeIdleConnections } from './ready-close.js';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`;

describe('closeIdleConnections', () => {
  const sockets: Socket[] = [];
  let fastify: FastifyInstance;
  let requested: PromiseWithResolvers<void>;
  let response: PromiseWithResolvers<string>;
  let closing: PromiseWithResolvers<void>;
  let untilListenerCloses: Promise<void>;

  beforeEach(async () => {
    requested = Promise.withResolvers();
    response = Promise.withResolvers();
    // As in the services: an idle connection stays open longer than any test.
    fastify = makeFastify({ ...ANSWER_WHILE_CLOSING, keepAliveTimeout: 72_000 });
    closeIdleConnections(fastify);
    closing = Promise.withResolvers();
    untilListenerCloses = Promise.resolve();
    fastify.addHook('preClose', async () => {
      closing.resolve();
      await untilListenerCloses;
    });
    fastify.get('/slow', async () => {
      requested.resolve();
      return response.promise;
    });
    fastify.get('/quick', () => 'at once');
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  });

  afterEach(async () => {
    response.resolve('');
    for (const socket of sockets.splice(0)) socket.destroy();
    await fastify.close();
  });

  async function connected(request = ''): Promise<{ socket: Socket; read: () => string; ended: Promise<unknown> }> {
    const accepted = once(fastify.server, 'connection');
    const socket = connect((fastify.server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    const ended = new Promise((resolve) => void socket.once('close', resolve));
    // If the server closes the connection with unread bytes, the client gets a reset.
    socket.on('error', ({ message }) => expect(message).toContain('ECONNRESET'));
    let data = '';
    socket.on('data', (chunk) => {
      data += chunk.toString();
    });
    await accepted;
    if (request !== '') socket.write(request);
    return { socket, read: () => data, ended };
  }

  it('closes after the running response, which is sent whole, without waiting for the idle time-out', async () => {
    const { read, ended } = await connected(get('/slow'));
    await requested.promise;
    const closed = fastify.close();
    while (fastify.server.listening) await setImmediate();
    response.resolve('the answer');
    await closed;
    await ended;
    expect(read()).toContain('200 OK');
    expect(read()).toContain('the answer');
  });

  it('answers a request that arrives before the listener is closed, and then ends its connection', async () => {
    const gate = Promise.withResolvers<void>();
    untilListenerCloses = gate.promise;
    const closed = fastify.close();
    await closing.promise;
    const { read, ended } = await connected(get('/quick'));
    await ended;
    expect(read()).toContain('200 OK');
    expect(read()).toContain('at once');
    gate.resolve();
    await closed;
  });

  it('does not wait for a connection without any request, such as browsers open in advance', async () => {
    const { read, ended } = await connected();
    await fastify.close();
    await ended;
    expect(read()).toBe('');
  });

  it('does not wait for the rest of a request, whether the first or a later one on its connection', async () => {
    const first = await connected('GET /quick HTTP/1.1\r\n');
    const next = await connected(get('/quick'));
    while (!next.read().includes('at once')) await once(next.socket, 'data');
    next.socket.write('GET /quick HTTP/1.1\r\n');
    await fastify.close();
    await Promise.all([first.ended, next.ended]);
    expect(first.read()).toBe('');
  });
});
