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
      throw invalidRequest(error.issues.flatMap((issue) => fieldErrors(issue, metadata, value)));
    }
  }
}

/** Names that Nest drops from the input before validation. They are rejected, since a dropped filter would change the query. */
const DROPPED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Deeper than any valid input. The limit ends the recursion before a stack overflow. */
const DEEPEST = 8;

function rejectDroppedNames(value: unknown, metadata: ArgumentMetadata): void {
  const fault = droppedNameIn(value);
  if (fault !== undefined) throw invalidRequest(fieldErrors(fault, metadata));
}

/** Returns the first dropped name. The path to it is only built on the way back: an array of 1,000 objects has 9,000 fields. */
function droppedNameIn(value: unknown, depth = 0): (Issue & { readonly path: readonly string[] }) | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > DEEPEST) return { message: 'is nested too deeply', path: [] };
  for (const name of Object.keys(value)) {
    if (DROPPED.has(name)) return { path: [], ...unknown(name) };
    const inner = droppedNameIn((value as Record<string, unknown>)[name], depth + 1);
    // What is too deep is named by its outermost field.
    if (inner !== undefined) return { ...inner, path: inner.code === undefined ? [name] : [name, ...inner.path] };
  }
  return undefined;
}

function unknown(name: string): Pick<Issue, 'code' | 'keys' | 'message'> {
  return { code: 'unrecognized_keys', keys: [name], message: 'is unknown; see /docs for the known fields' };
}

function fieldErrors(issue: Issue, { type, data }: ArgumentMetadata, input?: unknown): FieldError[] {
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
    return issue.keys.map((key) => error([...path, key], issue.message));
  return [error(path, explained(issue, valueAt(input, path), where))];
}

const SHOWN_LENGTH = 60;

/** Adds the rejected value to what is allowed. In a query, each value is a text: a list or an object is a wrong notation. */
function explained({ message, code }: Issue, value: unknown, where: FieldError['in']): string {
  if (where === 'query' && Array.isArray(value)) return 'must be given once';
  // A rule about several fields is custom: none of them is required by it.
  if (value === undefined)
    return code !== 'custom' && message.startsWith('must ') ? `is required, and ${message}` : message;
  if (typeof value === 'object' && value !== null) return message;
  // JSON has no infinity, but 1e309 becomes one.
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return `${message}, got ${text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH).toWellFormed()}…` : text}`;
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
    input,
  );
}

/** Returns the field's name in the client's notation: `number[gte]` in a query, `faults.poison` in a body. */
function nameOf(parts: readonly string[], where: FieldError['in']): string {
  const [first = '', ...inner] = parts;
  return where === 'query' ? `${first}${inner.map((part) => `[${part}]`).join('')}` : parts.join('.');
}
