import type { ServerResponse } from 'node:http';
import type { LocalIssuer } from './local-issuer.js';
import { answerJson, answerProblem, type Answerer } from './local-producer.js';

/** Where a producer names its issuer. */
export const METADATA_PATH = '/.well-known/oauth-protected-resource';

/**
 * Answers as a producer does that takes the tokens of an issuer.
 * @param answer for requests with a good token; its `at` counts those only
 */
export function guardedBy(issuer: LocalIssuer, answer: Answerer): Answerer {
  let letIn = 0;
  return (request, response) => {
    const { authorization } = request.headers;
    if (request.url === METADATA_PATH) return answerJson(response, 200, metadataOf(issuer.url));
    if (!issuer.takes(authorization))
      return refuseToken(response, authorization === undefined ? undefined : 'The token has expired.');
    letIn += 1;
    return answer(request, response, letIn - 1);
  };
}

/** What a producer says of the issuer whose tokens it takes. */
export function metadataOf(issuer: string): object {
  return {
    resource: 'orders',
    authorization_servers: [issuer],
    scopes_supported: ['orders:read', 'orders:write'],
    bearer_methods_supported: ['header'],
  };
}

/** @param reason undefined: there was no token */
export function refuseToken(response: ServerResponse, reason: string | undefined): void {
  const why = reason === undefined ? '' : `, error="invalid_token", error_description="${reason}"`;
  response.setHeader('www-authenticate', `Bearer realm="orders"${why}`);
  answerProblem(response, 401, 'unauthorized', { detail: reason ?? 'A bearer token is required.' });
}
