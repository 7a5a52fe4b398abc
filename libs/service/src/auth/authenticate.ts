import type { FastifyInstance } from 'fastify';
import { bearerToken } from './bearer-token.js';
import { TokenRefusal, type Caller, type TokenVerifier } from './token-verifier.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The authenticated caller; `null` if there is none. */
    caller: Caller | null;
    /** Why the token was rejected; `null` without a token or with a valid one. */
    tokenError: Error | null;
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
