import type { FastifyInstance } from 'fastify';
import { bearerToken } from './bearer-token.js';
import { TokenRefusal, type Caller, type TokenVerifier } from './token-verifier.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; `null`: nobody that is known. */
    caller: Caller | null;
    /** Why the token that came isn't taken; `null` when none came, or a good one. */
    tokenError: Error | null;
  }
}

/**
 * Finds out who asks. It refuses nobody: routes say what they require, and some require nothing.
 * @param verifier `null`: tokens are not looked at
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
