import type { FastifyInstance } from 'fastify';
import type { AuthSettings } from './auth-settings.js';

/** The scopes of tokens and what each allows. */
export const SCOPES = {
  'orders:read': 'read orders and operations',
  'orders:write': 'send orders, generate test orders and import; pause, resume and cancel operations',
  'ops:scale': 'change the number of consumers',
  'ops:migrate': 'move the traffic of the legacy system to the pipeline, and back',
  'faults:inject': 'generate faulty test orders, to test the pipeline',
  'ops:profile': 'take CPU profiles and heap snapshots of the services',
  'audit:read': 'read who changed what',
  'dead-letters:redrive': 'redrive and discard dead letters; pause, resume and cancel redrives',
} as const;

export type Scope = keyof typeof SCOPES;

/** Scopes that no client requests by itself. */
const OF_OPERATORS: ReadonlySet<Scope> = new Set(['audit:read', 'ops:profile']);

/**
 * Returns the scopes that a client should request. An issuer may reject a request for a scope that it doesn't know, or doesn't grant to most
 * people: so `faults:inject` only with fault injection, and never `audit:read` and `ops:profile`, which operators request explicitly.
 */
export function requestedScopes(allowsFaults: boolean): Scope[] {
  return (Object.keys(SCOPES) as Scope[]).filter(
    (scope) => !OF_OPERATORS.has(scope) && (allowsFaults || scope !== 'faults:inject'),
  );
}

const METADATA_PATH = '/.well-known/oauth-protected-resource';

/** Serves the address of the token issuer (RFC 9728), so that the CLI needs no setting except its credentials. */
export function describeProtectedResource(
  fastify: FastifyInstance,
  { AUTH_ISSUER, AUTH_AUDIENCE, ALLOW_FAULT_INJECTION = false }: AuthSettings,
): void {
  fastify.get(METADATA_PATH, () => ({
    resource: AUTH_AUDIENCE,
    authorization_servers: AUTH_ISSUER === undefined ? [] : [AUTH_ISSUER],
    scopes_supported: requestedScopes(ALLOW_FAULT_INJECTION),
    bearer_methods_supported: ['header'],
  }));
}
