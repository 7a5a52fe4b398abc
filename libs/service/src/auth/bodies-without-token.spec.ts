import { connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import makeFastify, { type FastifyInstance } from 'fastify';
import { ProblemFilter } from '../http/problem-filter.js';
import { authenticate, rejectBodiesWithoutToken } from './authenticate.js';
import { IssuerUnavailableError, TokenRefusal, type Caller } from './token-verifier.js';

const MIB = 1024 * 1024;
const ANN: Caller = { subject: 'ann', clientId: null, scopes: new Set(), validUntil: Number.POSITIVE_INFINITY };

async function verify(token: string): Promise<Caller> {
  if (token === 'of-ann') return Promise.resolve(ANN);
  throw token === 'unknown-key' ? new IssuerUnavailableError('away') : new TokenRefusal('The token is invalid.');
}

describe('a request with a body', () => {
  let fastify: FastifyInstance;
  let parsed: number;
  let socket: Socket;

  beforeEach(async () => {
    parsed = 0;
    fastify = makeFastify({ bodyLimit: 2 * MIB });
    authenticate(fastify, { verify } as Parameters<typeof authenticate>[1]);
    rejectBodiesWithoutToken(fastify, 'orders');
    const problems = new ProblemFilter();
    fastify.setErrorHandler((error, request, reply) => problems.send(error, request, reply));
    fastify.removeContentTypeParser('application/json');
    fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
      parsed += 1;
      done(null, JSON.parse(String(body)));
    });
    fastify.setNotFoundHandler((_request, reply) => reply.code(404).send('none'));
    fastify.post('/v1/orders', () => 'taken');
    fastify.post('/orders', { config: { noToken: true } }, () => 'taken by key');
    fastify.get('/health/live', () => 'ok');
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  });

  afterEach(async () => {
    socket.destroy();
    await fastify.close();
  });

  /** Sends the headers of a request and its body, or only announces a body, and returns the beginning of the answer. */
  async function answerTo(target: string, { token, body }: { token?: string; body?: string } = {}): Promise<string> {
    socket = connect((fastify.server.address() as AddressInfo).port, '127.0.0.1');
    const authorization = token === undefined ? '' : `authorization: Bearer ${token}\r\n`;
    socket.write(`POST ${target} HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n${authorization}`);
    socket.write(`content-length: ${body?.length ?? MIB}\r\n\r\n${body ?? ''}`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString();
  }

  it.each([
    ['without a token', '/v1/orders', 401, 'unauthorized'],
    ['to an unknown path', '/v1/none', 404, 'not-found'],
  ])('is refused before the body arrives, %s', async (_, target, status, code) => {
    const answer = await answerTo(target);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*"code":"${code}"`));
    expect(parsed).toBe(0);
  });

  it.each([
    ['is invalid', 'expired', 401, 'unauthorized'],
    ['can not be checked', 'unknown-key', 503, 'issuer-away'],
  ])('is refused before the body arrives, with a token that %s', async (_, token, status, code) => {
    const answer = await answerTo('/v1/orders', { token });
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*"code":"${code}"`));
    expect(parsed).toBe(0);
  });

  it('is taken with a valid token, and without one by a route that authenticates its clients itself', async () => {
    expect(await answerTo('/v1/orders', { token: 'of-ann', body: '[]' })).toMatch(/^HTTP\/1.1 200 /);
    socket.destroy();
    expect(await answerTo('/orders', { body: '[]' })).toMatch(/^HTTP\/1.1 200 /);
    expect(parsed).toBe(2);
  });
});
