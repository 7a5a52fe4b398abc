import { STATUS_CODES } from 'node:http';
import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { problemType } from '../http/problem.js';

const ProblemSchema = z
  .object({
    type: z.string().meta({ examples: ['urn:orders:problem:invalid-request'] }),
    title: z.string().meta({ examples: ['Bad Request'] }),
    status: z
      .int()
      .min(400)
      .max(599)
      .meta({ examples: [400] }),
    detail: z.string().meta({ examples: ['Wrong or missing: pageSize.'] }),
    instance: z.string().meta({ examples: ['/v1/orders'] }),
    code: z
      .string()
      .describe('Stable: clients branch on it.')
      .meta({ examples: ['invalid-request'] }),
    errors: z
      .array(
        z.object({
          field: z.string().meta({ examples: ['pageSize'] }),
          in: z.enum(['body', 'query', 'path', 'header']),
          pointer: z.string().optional().describe('Position in the body, as a JSON pointer (RFC 6901).'),
          detail: z.string().meta({ examples: ['must be from 1 to 1000'] }),
        }),
      )
      .optional()
      .describe('Every invalid field.'),
  })
  .loose()
  .describe('Problem details (RFC 9457).');

/** The errors of every route, in addition to those that it declares. */
const ANYWHERE = {
  400: 'The request is invalid; `errors` names every invalid field.',
  429: 'Too many requests from one client: see `Retry-After`.',
  500: 'An unexpected error occurred.',
  503: 'A dependency is unavailable: see `Retry-After`.',
};

const WITH_TOKENS = {
  401: 'No valid token: see `WWW-Authenticate`.',
  403: 'The token does not allow this: see `WWW-Authenticate`.',
};

/** The examples of statuses whose code is not derived from the status's name. */
const EXAMPLES: Readonly<Record<number, readonly [code: string, detail: string, further?: object]>> = {
  400: [
    'invalid-request',
    'Wrong or missing: pageSize.',
    { errors: [{ field: 'pageSize', in: 'query', detail: 'must be from 1 to 1000' }] },
  ],
  401: ['unauthorized', 'A bearer token is required: see the WWW-Authenticate header.'],
  403: ['insufficient-scope', 'The token does not have the scope orders:write.'],
  404: ['not-found', 'There is no resource with this id.'],
  429: ['too-many-requests', 'More than 120000 requests in a minute. Retry in 12 s.'],
  500: ['internal-error', 'An unexpected error occurred; see the log.'],
  503: ['database-away', 'The database did not respond in time. Retry in a few seconds.'],
};

function exampleOf(status: number, path: string): object {
  const title = STATUS_CODES[status] ?? 'Error';
  const own = title.toLowerCase().replaceAll(/[^a-z]+/g, '-');
  const [code, detail, further] = EXAMPLES[status] ?? [own, `${title}.`];
  return { type: problemType(code), title, status, detail, instance: path, code, ...further };
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** Adds the common errors of every route to a document, all with the same schema. */
export function documentProblems(document: OpenAPIObject, { tokens }: { readonly tokens: boolean }): void {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(ProblemSchema, { target: 'draft-2020-12' });
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: schema as never },
  };
  for (const [path, item] of Object.entries(document.paths))
    for (const method of ['get', 'post', 'put', 'delete', 'patch'] as const) {
      const operation = item[method];
      if (operation !== undefined)
        documentOperation(operation, path, path.startsWith('/v1/') ? { ...ANYWHERE, ...(tokens && WITH_TOKENS) } : {});
    }
}

function documentOperation(operation: Operation, path: string, further: Readonly<Record<string, string>>): void {
  const { responses } = operation;
  for (const [status, description] of Object.entries(further)) responses[status] ??= { description };
  for (const [status, response] of Object.entries(responses)) {
    const isProblem = Number(status) >= 400 && response !== undefined && 'description' in response && !response.content;
    if (!isProblem) continue;
    const schema = { $ref: '#/components/schemas/Problem' };
    response.content = { 'application/problem+json': { schema, example: exampleOf(Number(status), path) } };
  }
}
