import { HttpStatus } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.js';
import type { Scope } from './scopes.js';
import { TokenRefusal, type Caller } from './token-verifier.js';

// Here, because whatever reads `caller` imports this file: also programs that compile without `authenticate`.
declare module 'fastify' {
  interface FastifyRequest {
    /** The authenticated caller; `null` if there is none. */
    caller: Caller | null;
    /** Why the token was rejected; `null` without a token or with a valid one. */
    tokenError: Error | null;
  }
}

/**
 * Returns the authenticated caller of a request.
 * @param realm sent to clients without a valid token, in `WWW-Authenticate`
 * @throws Problem 401 without a valid token
 * @throws IssuerUnavailableError when the token can't be checked now
 */
export function requireCaller({ caller, tokenError }: FastifyRequest, realm: string): Caller {
  if (tokenError !== null && !(tokenError instanceof TokenRefusal)) throw tokenError;
  if (caller !== null) return caller;
  const reason = tokenError?.message;
  const why = reason === undefined ? {} : { error: 'invalid_token', error_description: reason };
  const detail = reason ?? 'A bearer token is required: see the WWW-Authenticate header.';
  throw new Problem(HttpStatus.UNAUTHORIZED, 'unauthorized', detail, {}, challenge(realm, why));
}

/** Creates the 403 problem of a token without the required scope. @param scope `undefined`: no scope allows the request */
export function insufficientScope(scope: Scope | undefined, realm: string): Problem {
  const why = { error: 'insufficient_scope', ...(scope !== undefined && { scope }) };
  const detail = scope === undefined ? 'No scope allows this request.' : `The token does not have the scope ${scope}.`;
  return new Problem(HttpStatus.FORBIDDEN, 'insufficient-scope', detail, {}, challenge(realm, why));
}

/** Builds the `WWW-Authenticate` header (RFC 6750, section 3). */
function challenge(realm: string, parameters: Record<string, string>): Record<string, string> {
  const all = Object.entries({ realm, ...parameters });
  return { 'WWW-Authenticate': `Bearer ${all.map(([name, value]) => `${name}="${value}"`).join(', ')}` };
}
