import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';

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
        documentOperation(operation, path.startsWith('/v1/') ? { ...ANYWHERE, ...(tokens && WITH_TOKENS) } : {});
    }
}

function documentOperation(operation: Operation, further: Readonly<Record<string, string>>): void {
  const { responses } = operation;
  for (const [status, description] of Object.entries(further)) responses[status] ??= { description };
  for (const [status, response] of Object.entries(responses)) {
    const isProblem = Number(status) >= 400 && response !== undefined && 'description' in response && !response.content;
    if (!isProblem) continue;
    response.content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  }
}
