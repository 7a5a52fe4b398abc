import type { FastifyInstance } from 'fastify';
import type { AuthSettings } from './auth-settings.js';
import { requestedScopes } from './scopes.js';

export const METADATA_PATH = '/.well-known/oauth-protected-resource';

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
