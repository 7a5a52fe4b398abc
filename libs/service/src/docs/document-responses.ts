import { STATUS_CODES } from 'node:http';
import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { problemType, type FieldError } from '../http/problem.js';

const FieldErrorSchema = z
  .object({
    field: z.string().meta({ examples: ['pageSize'] }),
    in: z.enum(['body', 'query', 'path', 'header']),
    pointer: z.string().optional().describe('Position in the body, as a JSON pointer (RFC 6901).'),
    detail: z
      .string()
      .describe('What is allowed, and the rejected value.')
      .meta({ examples: ['must be an integer from 1 to 1,000, in digits only, got "0"'] }),
  })
  .meta({ title: 'FieldError' });

const ProblemSchema = z
  .object({
    type: z.string().meta({ examples: ['urn:orders:problem:not-found'] }),
    title: z.string().meta({ examples: ['Not Found'] }),
    status: z
      .int()
      .min(400)
      .max(599)
      .meta({ examples: [404] }),
    detail: z.string().describe('What was wrong, for people.'),
    instance: z.string().describe('The path of the request.'),
    code: z
      .string()
      .describe('Stable: clients branch on it.')
      .meta({ examples: ['not-found'] }),
    errors: z.array(FieldErrorSchema).optional().describe('Every invalid field.'),
  })
  .loose();

/** The errors of every route, in addition to those that it declares. */
const ANYWHERE = {
  400: 'The request is invalid; `errors` names every invalid field.',
  429: 'Too many requests from one client: see `Retry-After`.',
  500: 'An unexpected error occurred.',
  503: 'A dependency is unavailable: see `Retry-After`.',
};

const WITH_BODY = {
  408: 'The body arrived too slowly; the connection is closed.',
  413: 'The body is larger than 64 KiB.',
};

const WITH_TOKENS = {
  401: 'No valid token: see `WWW-Authenticate`.',
  403: 'The token does not allow this: see `WWW-Authenticate`.',
};

/** The problems that have the same text on every route. */
const EXAMPLES: Readonly<Record<number, readonly [code: string, detail: string]>> = {
  401: ['unauthorized', 'A bearer token is required: see the WWW-Authenticate header.'],
  408: ['body-too-slow', 'The body did not arrive within 30 s (setting REQUEST_TIMEOUT_SECONDS).'],
  429: ['too-many-requests', 'More than 120000 requests in a minute (setting RATE_LIMIT_PER_MINUTE). Retry in 12 s.'],
  500: ['internal-error', 'An unexpected error occurred; see the log.'],
  503: ['database-away', 'The database did not respond in time. Retry in a few seconds.'],
};

/** What a 404 of a route names, by the first part of its path. */
const RESOURCES: Readonly<Record<string, string>> = {
  orders: 'saved order 0197f5a2-8a52-7000-8000-00000000dead',
  operations: 'operation 0197f5a2-8a52-7000-8000-00000000dead',
  imports: 'import 0197f5a2-8a52-7000-8000-00000000dead',
  'dead-letters': 'dead letter orders.v1/3/4711',
};

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** Returns all operations of a document. */
export function operationsIn({ paths }: OpenAPIObject): { path: string; method: string; operation: Operation }[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    (['get', 'post', 'put', 'delete', 'patch'] as const).flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : { path, method, operation };
    }),
  );
}

/**
 * Adds the common errors of every route to a document, all with the same schema.
 * @param members what the problems of this service have besides the standard members
 */
export function documentProblems(
  document: OpenAPIObject,
  { tokens, members = {} }: { readonly tokens: boolean; readonly members?: z.ZodRawShape | undefined },
): void {
  const problem = ProblemSchema.extend(members).meta({ title: 'Problem', description: 'Problem details (RFC 9457).' });
  const { $schema: _dialect, ...schema } = z.toJSONSchema(problem, { target: 'draft-2020-12' });
  const further = { ...ANYWHERE, ...(tokens && WITH_TOKENS) };
  for (const { path, operation } of operationsIn(document)) {
    const responses = operation.requestBody === undefined ? further : { ...further, ...WITH_BODY };
    if (isLimited(path))
      for (const [status, description] of Object.entries(responses)) operation.responses[status] ??= { description };
    addContents(path, operation, schema);
  }
}

/** Whether a route has a rate limit, and needs a token if there is an issuer. */
function isLimited(path: string): boolean {
  return /^\/(?:v1|ops)\//.test(path);
}

function addContents(path: string, operation: Operation, schema: object): void {
  for (const [status, response] of Object.entries(operation.responses)) {
    const isProblem = Number(status) >= 400 && response !== undefined && 'description' in response && !response.content;
    if (!isProblem) continue;
    const example = Number(status) === 400 ? invalidRequest(operation) : exampleOf(Number(status), path);
    const content = { schema, ...(example && { example: { ...example, instance: '/v1/…' } }) };
    // Routes of one controller can have the same object, but not the same example.
    operation.responses[status] = { ...response, content: { 'application/problem+json': content } };
  }
}

/** Returns a problem that the route responds with; `undefined` where its description has to be enough. */
function exampleOf(status: number, path: string): object | undefined {
  const [code, detail] = (status === 404 ? notFoundAt(path) : EXAMPLES[status]) ?? [];
  if (code === undefined) return undefined;
  return { type: problemType(code), title: STATUS_CODES[status] ?? 'Error', status, detail, code };
}

function notFoundAt(path: string): readonly [code: string, detail: string] | undefined {
  const what = RESOURCES[path.split('/')[2] ?? ''];
  return what === undefined ? undefined : ['not-found', `There is no ${what}.`];
}

/** Returns a problem that the route can really respond with; `undefined` for a route without input. */
function invalidRequest(operation: Operation): object | undefined {
  const error = invalidField(operation);
  if (error === undefined) return undefined;
  return {
    type: problemType('invalid-request'),
    title: 'Bad Request',
    status: 400,
    detail: `${error.field} ${error.detail}.`,
    code: 'invalid-request',
    errors: [error],
  };
}

interface Parameter {
  readonly name?: string;
  readonly in?: string;
  readonly schema?: { readonly maximum?: number };
}

interface BodySchema {
  readonly properties?: object;
  readonly anyOf?: readonly BodySchema[];
}

function invalidField(operation: Operation): FieldError | undefined {
  const parameters = (operation.parameters ?? []) as readonly Parameter[];
  const pageSize = parameters.find(({ name }) => name === 'pageSize');
  if (pageSize !== undefined) {
    const maximum = pageSize.schema?.maximum?.toLocaleString('en-US');
    const detail = `must be an integer from 1 to ${maximum}, in digits only, got "0"`;
    return { field: 'pageSize', in: 'query', detail };
  }
  if (parameters.some(({ name }) => name === 'id'))
    return { field: 'id', in: 'path', detail: 'must be a UUID, got "abc"' };
  const query = parameters.flatMap((parameter) => (parameter.in === 'query' ? fieldOf(parameter) : []));
  if (query.length > 0) return unknownField({ in: 'query' }, query);
  const body = bodyFields(operation);
  return body.length > 0 ? unknownField({ in: 'body', pointer: '/colour' }, body) : undefined;
}

function unknownField(place: Pick<FieldError, 'in' | 'pointer'>, allowed: readonly string[]): FieldError {
  return { field: 'colour', ...place, detail: `is unknown; allowed: ${[...new Set(allowed)].join(', ')}` };
}

/** A range such as `number[gte]` and `number[lt]` is one field, `number`. */
function fieldOf({ name = '' }: Parameter): string {
  return name.replace(/\[.*$/, '');
}

function bodyFields({ requestBody }: Operation): string[] {
  if (requestBody === undefined || !('content' in requestBody)) return [];
  const { schema } = requestBody.content['application/json'] ?? {};
  const { properties, anyOf } = (schema ?? {}) as BodySchema;
  return Object.keys(properties ?? anyOf?.[0]?.properties ?? {});
}

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
  for (const { path, method, operation } of operationsIn(document)) {
    if (method === 'get') documentConditional(operation);
    const everywhere = ['X-Request-Id', ...(isLimited(path) ? RATE_LIMIT : [])] as const;
    for (const [status, response] of Object.entries(operation.responses))
      addHeaders(response as DocumentedResponse, [...everywhere, ...(BY_STATUS[status] ?? [])]);
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
