import type { OpenAPIObject } from '@nestjs/swagger';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
interface DocumentedHeader {
  readonly description: string;
  readonly schema: { readonly type: 'string' | 'integer' };
}
interface DocumentedResponse {
  readonly content?: object;
  headers?: Record<string, unknown>;
}

const REQUEST_ID = header('string', 'Of this request: its line in the log is found by it. A caller may give one.');
const ETAG = header(
  'string',
  'Of this answer: sent back as `If-None-Match` it is answered with 304 while nothing has changed.',
);
const RATE_LIMIT = {
  'RateLimit-Limit': header('integer', 'Requests that one client may make in a minute.'),
  'RateLimit-Remaining': header('integer', 'Those that are left.'),
  'RateLimit-Reset': header('integer', 'Seconds until they are whole again.'),
};
const OF_STATUS: Readonly<Record<string, Record<string, DocumentedHeader>>> = {
  401: { 'WWW-Authenticate': header('string', 'What to bring (RFC 6750).') },
  403: { 'WWW-Authenticate': header('string', 'What the token lacks (RFC 6750).') },
  429: { 'Retry-After': header('integer', 'Seconds to wait.') },
  503: { 'Retry-After': header('integer', 'Seconds to wait.') },
};

/** Completes a document by the headers that every route's answers have, and by 304 where an answer has an `ETag`. */
export function documentHeaders(document: OpenAPIObject): void {
  for (const [path, item] of Object.entries(document.paths)) {
    if (item.get !== undefined) documentConditional(item.get);
    for (const method of ['get', 'post', 'put', 'delete', 'patch'] as const)
      for (const [status, response] of Object.entries(item[method]?.responses ?? {}))
        addHeaders(response as DocumentedResponse, {
          'X-Request-Id': REQUEST_ID,
          ...(path.startsWith('/v1/') && RATE_LIMIT),
          ...OF_STATUS[status],
        });
  }
}

/** Streams are sent before anybody knows what their `ETag` would be. */
function documentConditional({ responses }: Operation): void {
  const whole = responses['200'] as DocumentedResponse | undefined;
  if (whole?.content === undefined || !('application/json' in whole.content)) return;
  addHeaders(whole, { ETag: ETAG });
  responses['304'] ??= { description: 'As it was when this `ETag` was given.' };
  addHeaders(responses['304'] as DocumentedResponse, { ETag: ETAG });
}

function addHeaders(response: DocumentedResponse, headers: Record<string, DocumentedHeader>): void {
  response.headers = { ...headers, ...response.headers };
}

function header(type: 'string' | 'integer', description: string): DocumentedHeader {
  return { description, schema: { type } };
}
