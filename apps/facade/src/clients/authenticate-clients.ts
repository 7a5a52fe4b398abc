import { HttpStatus } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { Problem } from '#service/http/problem.js';
import type { ClientKeys } from './client-keys.js';
import { givenKey } from './given-key.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The client of the legacy API; `null` without API keys. */
    client: string | null;
  }
}

const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="orders", charset="UTF-8"' };

/**
 * Admits requests with the API key of a client.
 * @param keys returns the keys that are valid now; `undefined`: every request is admitted
 * @param onRequest called with the client of each request: its name, `none`, or `unknown` for a rejected one
 */
export function authenticateClients(
  fastify: FastifyInstance,
  keys: () => ClientKeys | undefined,
  onRequest: (client: string) => void,
): void {
  fastify.decorateRequest('client', null);
  fastify.addHook('onRequest', (request, _reply, done) => {
    const known = keys();
    if (known === undefined) {
      onRequest('none');
      return done();
    }
    const given = givenKey(request.headers);
    const client = given === undefined ? undefined : known.clientOf(given);
    onRequest(client ?? 'unknown');
    if (client === undefined) return done(rejection(given !== undefined));
    request.client = client;
    done();
  });
}

function rejection(hasKey: boolean): Problem {
  const detail = hasKey
    ? 'the API key is unknown, or not that of the named user'
    : 'an API key is required: as X-Api-Key, or as the password of basic authentication';
  return new Problem(HttpStatus.UNAUTHORIZED, hasKey ? 'bad-api-key' : 'no-api-key', detail, {}, CHALLENGE);
}
