import { HttpStatus } from '@nestjs/common';
import type { FastifyRequest, FastifyInstance } from 'fastify';
import { Problem, notFound } from '../http/problem.js';
import { hasBody } from '../http/request-bodies.js';
import type { Scope } from './scopes.js';
import { TokenRefusal, type Caller, type TokenVerifier } from './token-verifier.js';

/** The token of a request, or its fault. Several tokens are a fault, since another party may have read a different one. */
type GivenToken = { readonly token: string } | { readonly fault: string } | undefined;

/**
 * Reads the bearer token of a request.
 * @param rawHeaders Node's alternating names and values; Node's `headers` keep only the first `Authorization`
 */
export function bearerToken(rawHeaders: readonly string[]): GivenToken {
  const given: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() === 'authorization') given.push(rawHeaders[at + 1] ?? '');
  const [value] = given;
  if (value === undefined) return undefined;
  if (given.length > 1) return { fault: 'There is more than one Authorization header.' };
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(value) ?? [];
  return token === undefined ? { fault: 'The Authorization header contains no bearer token.' } : { token };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The authenticated caller; `null` if there is none. */
    caller: Caller | null;
    /** Why the token was rejected; `null` without a token or with a valid one. */
    tokenError: Error | null;
  }
  interface FastifyContextConfig {
    /** The route authenticates its clients itself, without tokens. */
    noToken?: boolean;
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
