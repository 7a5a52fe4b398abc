import { STATUS_CODES } from 'node:http';
import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { problemType } from '../problem.js';

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
      .describe('Stable: what a client branches on.')
      .meta({ examples: ['invalid-request'] }),
    errors: z
      .array(
        z.object({
          field: z.string().meta({ examples: ['pageSize'] }),
          in: z.enum(['body', 'query', 'path', 'header']),
          pointer: z.string().optional().describe('Where in the body (RFC 6901).'),
          detail: z.string().meta({ examples: ['must be from 1 to 1000'] }),
        }),
      )
      .optional()
      .describe('Every bad field by its name.'),
  })
  .loose()
  .describe('Problem details (RFC 9457).');

/** What any route can answer, beside what it says of itself. */
const ANYWHERE = {
  400: 'The request is wrong: every bad field is named.',
  429: 'Too many requests of one client: see `Retry-After`.',
  500: 'Something went wrong here.',
  503: 'What this needs does not answer: see `Retry-After`.',
};

const WITH_TOKENS = {
  401: 'No token, or none that is good: see `WWW-Authenticate`.',
  403: 'The token does not allow this: see `WWW-Authenticate`.',
};

/** What stands in the example of a status, where it isn't the status's own name. */
const EXAMPLES: Readonly<Record<number, readonly [code: string, detail: string, further?: object]>> = {
  400: [
    'invalid-request',
    'Wrong or missing: pageSize.',
    { errors: [{ field: 'pageSize', in: 'query', detail: 'must be from 1 to 1000' }] },
  ],
  401: ['unauthorized', 'A bearer token is required: see the WWW-Authenticate header.'],
  403: ['insufficient-scope', 'The token does not have the scope orders:write.'],
  404: ['not-found', 'There is nothing of this id.'],
  429: ['too-many-requests', 'More than 120000 requests in a minute. Try again in 12 s.'],
  500: ['internal-error', 'Something went wrong here; the log tells what.'],
  503: ['database-away', 'The database does not answer in time. Try again in a few seconds.'],
};

function exampleOf(status: number, path: string): object {
  const title = STATUS_CODES[status] ?? 'Error';
  const own = title.toLowerCase().replaceAll(/[^a-z]+/g, '-');
  const [code, detail, further] = EXAMPLES[status] ?? [own, `${title}.`];
  return { type: problemType(code), title, status, detail, instance: path, code, ...further };
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** Completes a document by the errors of every route, all of one shape, so that no route can forget one. */
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
