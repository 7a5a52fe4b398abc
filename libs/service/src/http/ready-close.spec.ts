import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { fastify as makeFastify, type FastifyInstance } from 'fastify';
import { ANSWER_WHILE_CLOSING, closeIdleConnections } from './ready-close.js';
import { connected, listening, requestBytes } from './testing/served-app.js';

describe('closeIdleConnections', () => {
  let fastify: FastifyInstance;
  let requested: PromiseWithResolvers<void>;
  let answer: PromiseWithResolvers<string>;
  let closing: PromiseWithResolvers<void>;
  let untilListenerCloses: Promise<void>;

  beforeEach(async () => {
    requested = Promise.withResolvers();
    answer = Promise.withResolvers();
    closing = Promise.withResolvers();
    untilListenerCloses = Promise.resolve();
    // As in the services: an idle connection stays open longer than any test.
    fastify = makeFastify({ ...ANSWER_WHILE_CLOSING, keepAliveTimeout: 72_000 });
    closeIdleConnections(fastify);
    fastify.addHook('preClose', async () => {
      closing.resolve();
      await untilListenerCloses;
    });
    fastify.get('/slow', async () => {
      requested.resolve();
      return answer.promise;
    });
    fastify.get('/quick', () => 'at once');
    await listening(fastify);
  });

  it('closes after the running response, which is sent whole, without waiting for the idle time-out', async () => {
    const { response } = await connected(fastify, requestBytes('GET /slow'));
    await requested.promise;
    const closed = fastify.close();
    while (fastify.server.listening) await setImmediate();
    answer.resolve('the answer');
    await closed;
    expect(await response()).toMatch(/200 OK[^]*the answer/);
  });

  it('answers a request that arrives before the listener is closed, and then ends its connection', async () => {
    const gate = Promise.withResolvers<void>();
    untilListenerCloses = gate.promise;
    const closed = fastify.close();
    await closing.promise;
    const { response } = await connected(fastify, requestBytes('GET /quick'));
    expect(await response()).toMatch(/200 OK[^]*at once/);
    gate.resolve();
    await closed;
  });

  it('does not wait for a connection without any request, such as browsers open in advance', async () => {
    const { response } = await connected(fastify);
    await fastify.close();
    expect(await response()).toBe('');
  });

  it('does not wait for the rest of a request, whether the first or a later one on its connection', async () => {
    const first = await connected(fastify, 'GET /quick HTTP/1.1\r\n');
    const next = await connected(fastify, requestBytes('GET /quick'));
    let received = '';
    while (!received.includes('at once')) received += await next.begin();
    next.socket.write('GET /quick HTTP/1.1\r\n');
    const ended = once(next.accepted, 'close');
    await fastify.close();
    await ended;
    expect(await first.response()).toBe('');
  });
});
