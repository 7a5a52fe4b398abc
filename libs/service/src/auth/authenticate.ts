import type { FastifyInstance } from 'fastify';
import { notFound } from '../http/problem.js';
import { hasBody } from '../http/transfer-limits.js';
import { bearerToken } from './bearer-token.js';
import { requireCaller } from './challenges.js';
import { TokenRefusal, type TokenVerifier } from './token-verifier.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route authenticates its clients itself, without tokens. */
    noToken?: boolean;
  }
}

/**
 * Identifies the caller of each request. It rejects no request: each route declares what it requires, and some require nothing.
 * @param verifier `null` ignores tokens
 */
export function authenticate(fastify: FastifyInstance, verifier: TokenVerifier | null): void {
  fastify.decorateRequest('caller', null);
  fastify.decorateRequest('tokenError', null);
  if (verifier === null) return;
  fastify.addHook('onRequest', async (request) => {
    const given = bearerToken(request.raw.rawHeaders);
    if (given === undefined) return;
    if ('fault' in given) {
      request.tokenError = new TokenRefusal(given.fault);
      return;
    }
    try {
      request.caller = await verifier.verify(given.token);
    } catch (error) {
      request.tokenError = error as Error;
    }
  });
}

/**
 * Rejects a request without a valid token before its body is read, so that only holders of tokens can send bodies that are parsed. Without a
 * body, the guard of the route rejects it. Call it after `authenticate`.
 * @param realm sent to clients without a valid token, in `WWW-Authenticate`
 */
export function rejectBodiesWithoutToken(fastify: FastifyInstance, realm: string): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (!hasBody(request.raw) || request.routeOptions.config?.noToken === true) return done();
    if (request.is404) return done(notFound(`Cannot ${request.method} ${request.url.split('?')[0]}`));
    try {
      requireCaller(request, realm);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
}
