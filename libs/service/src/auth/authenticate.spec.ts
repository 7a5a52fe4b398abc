import { beforeEach, describe, expect, it } from '@jest/globals';
import makeFastify, { type FastifyInstance } from 'fastify';
import { connected, listening, requestBytes, withProblems } from '../http/testing/served-app.js';
import { authenticate, rejectBodiesWithoutToken } from './authenticate.js';
import { IssuerUnavailableError, TokenRefusal, type Caller } from './token-verifier.js';

const MIB = 1024 * 1024;
const ANN: Caller = { subject: 'ann', clientId: null, scopes: new Set(), validUntil: Number.POSITIVE_INFINITY };

async function verify(token: string): Promise<Caller> {
  if (token === 'of-ann') return Promise.resolve(ANN);
  throw token === 'unknown-key' ? new IssuerUnavailableError('away') : new TokenRefusal('The token is invalid.');
}

describe('a request with a body', () => {
  let app: FastifyInstance;
  let parsed: number;

  beforeEach(async () => {
    parsed = 0;
    app = withProblems(makeFastify({ bodyLimit: 2 * MIB }));
    authenticate(app, { verify } as Parameters<typeof authenticate>[1]);
    rejectBodiesWithoutToken(app, 'orders');
    app.removeContentTypeParser('application/json');
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
      parsed += 1;
      done(null, JSON.parse(String(body)));
    });
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('none'));
    app.post('/v1/orders', () => 'taken');
    app.post('/orders', { config: { noToken: true } }, () => 'taken by key');
    await listening(app);
  });

  /** Sends the headers of a request and its body, or only announces a body, and returns the beginning of the answer. */
  async function answerTo(path: string, token?: string, body?: string): Promise<string> {
    const authorization = token !== undefined && { authorization: `Bearer ${token}` };
    const headers = { 'content-type': 'application/json', 'content-length': body?.length ?? MIB, ...authorization };
    const { begin } = await connected(app, requestBytes(`POST ${path}`, headers, body));
    return begin();
  }

  it.each([
    ['without a token', '/v1/orders', undefined, 401, 'unauthorized'],
    ['to an unknown path', '/v1/none', undefined, 404, 'not-found'],
    ['with a token that is invalid', '/v1/orders', 'expired', 401, 'unauthorized'],
    ['with a token that can not be checked', '/v1/orders', 'unknown-key', 503, 'issuer-away'],
  ])('is refused before the body arrives, %s', async (_, path, token, status, code) => {
    expect(await answerTo(path, token)).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*"code":"${code}"`));
    expect(parsed).toBe(0);
  });

  it('is taken with a valid token, and without one by a route that authenticates its clients itself', async () => {
    expect(await answerTo('/v1/orders', 'of-ann', '[]')).toMatch(/^HTTP\/1.1 200 /);
    expect(await answerTo('/orders', undefined, '[]')).toMatch(/^HTTP\/1.1 200 /);
    expect(parsed).toBe(2);
  });
});
