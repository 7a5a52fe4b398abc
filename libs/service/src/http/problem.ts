import { HttpException, HttpStatus } from '@nestjs/common';

/** One invalid field of a request. */
export interface FieldError {
  /** The parameter's name, or the dot-separated path in the body. */
  readonly field: string;
  readonly in: 'body' | 'query' | 'path' | 'header';
  /** The position in the body, as a JSON pointer (RFC 6901). */
  readonly pointer?: string;
  readonly detail: string;
}

/** Members of a problem in addition to those of RFC 9457. */
export interface ProblemExtensions {
  readonly errors?: readonly FieldError[];
  readonly [name: string]: unknown;
}

/**
 * An error for the client, sent as RFC 9457 problem details. `code` is stable: clients branch on it; `detail` is for people.
 */
export class Problem extends HttpException {
  constructor(
    status: HttpStatus,
    readonly code: string,
    readonly detail: string,
    readonly extensions: ProblemExtensions = {},
    /** Headers of the response, such as an authentication challenge. */
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail, status);
  }
}

/** How many invalid fields the detail of a problem explains; `errors` has more. */
const EXPLAINED_FIELDS = 3;

/** How many invalid fields `errors` lists: 1,000 bad orders would make a response of a megabyte. */
const LISTED_FIELDS = 100;

/** Creates a 400 problem that names every invalid field, and at most 100. */
export function invalidRequest(errors: readonly FieldError[]): Problem {
  const explained = errors.slice(0, EXPLAINED_FIELDS).map(({ field, detail }) => `${field || 'body'} ${detail}`);
  const others = errors.length - explained.length;
  const detail = `${explained.join('. ')}.${others > 0 ? ` ${others} more: see \`errors\`.` : ''}`;
  return new Problem(HttpStatus.BAD_REQUEST, 'invalid-request', detail, { errors: errors.slice(0, LISTED_FIELDS) });
}

export function notFound(detail: string): Problem {
  return new Problem(HttpStatus.NOT_FOUND, 'not-found', detail);
}

/** Returns the `type` of a problem: stable, and the same in every service. */
export function problemType(code: string): string {
  return `urn:orders:problem:${code}`;
}
