import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import makeFastify, { type FastifyInstance } from 'fastify';
import { ProblemFilter } from '#service/http/problem-filter.js';
import { addReadRoutes } from './read-routes.js';
import type { ReadAnswer, ReadRequest } from './reads.js';

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(65_536, '[');
}

describe('the long answers of the facade', () => {
  let fastify: FastifyInstance;
  let signals: AbortSignal[];
  let responses: IncomingMessage[];

  beforeEach(async () => {
    signals = [];
    responses = [];
    const answer = async ({ capability, forwarded }: ReadRequest): Promise<ReadAnswer> => {
      signals.push(forwarded.signal);
      const body = capability === 'read-by-range' ? Readable.from(endless(), { objectMode: false }) : Buffer.from('[]');
      return Promise.resolve({ status: 200, headers: {}, body });
    };
    fastify = makeFastify();
    fastify.decorateRequest('client', null);
    fastify.addHook('onRequest', (request, _reply, done) => {
      request.client = String(request.headers['x-api-key']);
      done();
    });
    const problems = new ProblemFilter();
    fastify.setErrorHandler((error, request, reply) => problems.send(error, request, reply));
    addReadRoutes(fastify, { answer }, { LONG_ANSWERS_PER_CALLER: 2, LONG_ANSWERS_IN_TOTAL: 3 });
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  });

  afterEach(async () => {
    for (const response of responses) response.destroy();
    await fastify.close();
  });

  /** Sends a request, and reads nothing of its answer. */
  async function ask(client: string, path = '/orders/range?start=1&end=9'): Promise<IncomingMessage> {
    const { port } = fastify.server.address() as AddressInfo;
    const [response] = (await once(
      get({ host: '127.0.0.1', port, path, agent: false, headers: { 'x-api-key': client } }),
      'response',
    )) as [IncomingMessage];
    responses.push(response);
    return response;
  }

  it('leave places for other clients, and short answers need none', async () => {
    const billing = [await ask('billing'), await ask('billing'), await ask('billing')];
    expect(billing.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429]);
    expect(billing[2]?.headers['retry-after']).toBe('5');
    expect((await ask('billing', '/orders/page/1')).statusCode).toBe(200);
    expect([(await ask('web')).statusCode, (await ask('web')).statusCode]).toEqual([200, 503]);
  });

  it('end at the side when they have no place, and give it back with the connection', async () => {
    const [first] = [await ask('billing'), await ask('billing'), await ask('billing')];
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, true]);
    first.destroy();
    while (signals[0]?.aborted === false) await setImmediate();
    expect((await ask('billing')).statusCode).toBe(200);
  });
});
