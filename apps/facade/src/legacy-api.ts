import type { FastifyError, FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { rejectForeignHosts, rejectForeignWrites } from '#service/http/known-hosts.js';
import { authenticateClients } from './clients/authenticate-clients.js';
import type { ClientKeys } from './clients/client-keys.js';
import { legacyErrorOf, sendLegacyError } from './reads/legacy-error.js';

export interface LegacyApiOptions {
  /** Returns the API keys that are valid now; `undefined`: there are none. */
  readonly keys: () => ClientKeys | undefined;
  /** Accepted hosts and origins: any web page can send requests to loopback, and browsers add a password that was entered before. */
  readonly hosts: { readonly hosts: readonly string[]; readonly origins: readonly string[] };
  /** Called with the client of each request. */
  readonly onRequest: (client: string) => void;
  readonly logger: Logger;
  readonly addRoutes: (scope: FastifyInstance) => void;
}

/** Adds the legacy system's API: plain routes with its own form of errors, and its clients' API keys instead of tokens. */
export async function addLegacyApi(fastify: FastifyInstance, options: LegacyApiOptions): Promise<void> {
  const { keys, hosts, onRequest, logger, addRoutes } = options;
  await fastify.register(async (scope) => {
    if (keys() === undefined) rejectForeignHosts(scope, hosts);
    else rejectForeignWrites(scope, hosts);
    authenticateClients(scope, keys, onRequest);
    // Bodies go through as they came.
    scope.addHook('onRequest', ({ headers }, _reply, done) => {
      headers['x-no-compression'] = 'true';
      done();
    });
    scope.setErrorHandler((error: FastifyError, request, reply) => {
      const { client, routeOptions, method } = request;
      const known = legacyErrorOf(error);
      request.problemCode = known?.code ?? (known === undefined ? 'internal-error' : null);
      const fields = { client, method, route: routeOptions.url };
      if (known === undefined) logger.error({ ...fields, err: error }, 'unexpected error');
      else if (known.status >= 500)
        logger.warn({ ...fields, code: known.code, reason: error.message }, 'request failed');
      sendLegacyError(reply, known ?? { status: 500, code: 'internal-error', message: 'an unexpected error occurred' });
    });
    addRoutes(scope);
  });
}
