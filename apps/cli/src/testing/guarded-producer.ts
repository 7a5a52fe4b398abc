import type { ServerResponse } from 'node:http';
import type { LocalIssuer } from './local-issuer.js';
import { answerJson, answerProblem, type Answerer } from './local-producer.js';

/** The path of the metadata in which a producer names its issuer. */
export const METADATA_PATH = '/.well-known/oauth-protected-resource';

/**
 * Answers as a producer that accepts only the tokens of an issuer.
 * @param answer answers requests with a valid token; its `at` counts only those
 */
export function guardedBy(issuer: LocalIssuer, answer: Answerer): Answerer {
  let accepted = 0;
  return (request, response) => {
    const { authorization } = request.headers;
    if (request.url === METADATA_PATH) return answerJson(response, 200, metadataOf(issuer.url));
    if (!issuer.accepts(authorization))
      return rejectToken(response, authorization === undefined ? undefined : 'The token has expired.');
    accepted += 1;
    return answer(request, response, accepted - 1);
  };
}

/** Returns the metadata of a producer that accepts the tokens of an issuer. */
export function metadataOf(issuer: string): object {
  return {
    resource: 'orders',
    authorization_servers: [issuer],
    scopes_supported: ['orders:read', 'orders:write'],
    bearer_methods_supported: ['header'],
  };
}

/** Responds with 401. @param reason why the token is rejected; undefined: the request had no token */
export function rejectToken(response: ServerResponse, reason: string | undefined): void {
  const why = reason === undefined ? '' : `, error="invalid_token", error_description="${reason}"`;
  response.setHeader('www-authenticate', `Bearer realm="orders"${why}`);
  answerProblem(response, 401, 'unauthorized', { detail: reason ?? 'A bearer token is required.' });
}
