import type { OpenAPIObject } from '@nestjs/swagger';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
interface DocumentedResponse {
  readonly content?: object;
  headers?: Record<string, unknown>;
}

const COMMON = {
  'X-Request-Id': header('string', 'Id of this request, for finding its log lines. A client may send its own.'),
  ETag: header(
    'string',
    'Tag of this response: sent as `If-None-Match`, it gives 304 while the response is unchanged.',
  ),
  'RateLimit-Limit': header('integer', 'Requests per minute that one client may send.'),
  'RateLimit-Remaining': header('integer', 'Remaining requests in the current period.'),
  'RateLimit-Reset': header('integer', 'Seconds until the limit is reset.'),
  'Retry-After': header('integer', 'Seconds to wait.'),
  'WWW-Authenticate': header('string', 'The required authentication, or the scope that the token lacks (RFC 6750).'),
};
type CommonHeader = keyof typeof COMMON;

const RATE_LIMIT = ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'] as const;
const BY_STATUS: Readonly<Record<string, readonly CommonHeader[]>> = {
  401: ['WWW-Authenticate'],
  403: ['WWW-Authenticate'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};

/** Adds the common response headers to a document, by reference, and 304 for responses with an `ETag`. */
export function documentHeaders(document: OpenAPIObject): void {
  document.components = { ...document.components, headers: COMMON };
  for (const [path, item] of Object.entries(document.paths)) {
    if (item.get !== undefined) documentConditional(item.get);
    for (const method of ['get', 'post', 'put', 'delete', 'patch'] as const)
      for (const [status, response] of Object.entries(item[method]?.responses ?? {}))
        addHeaders(response as DocumentedResponse, [
          'X-Request-Id',
          ...(path.startsWith('/v1/') ? RATE_LIMIT : []),
          ...(BY_STATUS[status] ?? []),
        ]);
  }
}

/** Skips streams: they have no `ETag`, since they are sent before their end is known. */
function documentConditional({ responses }: Operation): void {
  const whole = responses['200'] as DocumentedResponse | undefined;
  if (whole?.content === undefined || !('application/json' in whole.content)) return;
  addHeaders(whole, ['ETag']);
  responses['304'] ??= { description: 'Unchanged since the response with this `ETag`.' };
  addHeaders(responses['304'] as DocumentedResponse, ['ETag']);
}

function addHeaders(response: DocumentedResponse, names: readonly CommonHeader[]): void {
  const references = names.map((name) => [name, { $ref: `#/components/headers/${name}` }]);
  response.headers = { ...Object.fromEntries(references), ...response.headers };
}

function header(type: 'string' | 'integer', description: string) {
  return { description, schema: { type } };
}
