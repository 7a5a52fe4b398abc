import { StandardSchemaValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { invalidRequest, type FieldError } from './problem.js';

/** A validation issue, including the members that zod adds to the standard schema. */
interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { key: PropertyKey })[] | undefined;
  readonly code?: string;
  readonly keys?: readonly string[];
}

class InvalidInput extends Error {
  constructor(readonly issues: readonly Issue[]) {
    super('invalid input');
  }
}

/** Validates parameters that have a schema; one error names every invalid field. */
export class ValidationPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: (issues) => new InvalidInput(issues) });
  }

  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    rejectDroppedNames(value, metadata);
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      if (value === undefined && metadata.type === 'body')
        throw invalidRequest(fieldErrors({ message: 'is empty; this route needs a JSON body, see /docs' }, metadata));
      throw invalidRequest(error.issues.flatMap((issue) => fieldErrors(issue, metadata)));
    }
  }
}

/** Names that Nest drops from the input before validation. They are rejected, since a dropped filter would change the query. */
const DROPPED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Deeper than any valid input. The limit ends the recursion before a stack overflow. */
const DEEPEST = 8;

function rejectDroppedNames(value: unknown, metadata: ArgumentMetadata, path: readonly string[] = []): void {
  if (typeof value !== 'object' || value === null) return;
  if (path.length > DEEPEST)
    throw invalidRequest(fieldErrors({ message: 'is nested too deeply', path: path.slice(0, 1) }, metadata));
  for (const [name, inner] of Object.entries(value)) {
    if (DROPPED.has(name)) throw invalidRequest(fieldErrors({ message: '', path, ...unknown(name) }, metadata));
    rejectDroppedNames(inner, metadata, [...path, name]);
  }
}

function unknown(name: string): Pick<Issue, 'code' | 'keys'> {
  return { code: 'unrecognized_keys', keys: [name] };
}

function fieldErrors(issue: Issue, { type, data }: ArgumentMetadata): FieldError[] {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  const where = type === 'param' ? 'path' : type === 'query' ? 'query' : 'body';
  const error = (parts: readonly string[], detail: string): FieldError => ({
    field: parts.length > 0 ? nameOf(parts, where) : (data ?? 'body'),
    in: where,
    ...(where === 'body' && {
      pointer: parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    }),
    detail,
  });
  if (issue.code === 'unrecognized_keys' && issue.keys !== undefined)
    return issue.keys.map((key) => error([...path, key], 'unknown; see /docs for the known fields'));
  return [error(path, issue.message)];
}

/** Returns the field's name in the client's notation: `number[gte]` in a query, `faults.poison` in a body. */
function nameOf(parts: readonly string[], where: FieldError['in']): string {
  const [first = '', ...inner] = parts;
  return where === 'query' ? `${first}${inner.map((part) => `[${part}]`).join('')}` : parts.join('.');
}
