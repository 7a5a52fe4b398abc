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

const REQUEST_ID = header('string', 'Id of this request, for finding its log lines. A client may send its own.');
const ETAG = header(
  'string',
  'Tag of this response: sent as `If-None-Match`, it gives 304 while the response is unchanged.',
);
const RATE_LIMIT = {
  'RateLimit-Limit': header('integer', 'Requests per minute that one client may send.'),
  'RateLimit-Remaining': header('integer', 'Remaining requests in the current period.'),
  'RateLimit-Reset': header('integer', 'Seconds until the limit is reset.'),
};
const HEADERS_BY_STATUS: Readonly<Record<string, Record<string, DocumentedHeader>>> = {
  401: { 'WWW-Authenticate': header('string', 'The required authentication (RFC 6750).') },
  403: { 'WWW-Authenticate': header('string', 'The scope that the token lacks (RFC 6750).') },
  429: { 'Retry-After': header('integer', 'Seconds to wait.') },
  503: { 'Retry-After': header('integer', 'Seconds to wait.') },
};

/** Adds the common response headers to a document, and 304 for responses with an `ETag`. */
export function documentHeaders(document: OpenAPIObject): void {
  for (const [path, item] of Object.entries(document.paths)) {
    if (item.get !== undefined) documentConditional(item.get);
    for (const method of ['get', 'post', 'put', 'delete', 'patch'] as const)
      for (const [status, response] of Object.entries(item[method]?.responses ?? {}))
        addHeaders(response as DocumentedResponse, {
          'X-Request-Id': REQUEST_ID,
          ...(path.startsWith('/v1/') && RATE_LIMIT),
          ...HEADERS_BY_STATUS[status],
        });
  }
}

/** Skips streams: they have no `ETag`, since they are sent before their end is known. */
function documentConditional({ responses }: Operation): void {
  const whole = responses['200'] as DocumentedResponse | undefined;
  if (whole?.content === undefined || !('application/json' in whole.content)) return;
  addHeaders(whole, { ETag: ETAG });
  responses['304'] ??= { description: 'Unchanged since the response with this `ETag`.' };
  addHeaders(responses['304'] as DocumentedResponse, { ETag: ETAG });
}

function addHeaders(response: DocumentedResponse, headers: Record<string, DocumentedHeader>): void {
  response.headers = { ...headers, ...response.headers };
}

function header(type: 'string' | 'integer', description: string): DocumentedHeader {
  return { description, schema: { type } };
}
