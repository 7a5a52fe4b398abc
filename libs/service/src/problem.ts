import { HttpException, HttpStatus } from '@nestjs/common';

/** One bad field of a request. */
export interface FieldError {
  /** The parameter's name, or the path inside the body with dots between. */
  readonly field: string;
  readonly in: 'body' | 'query' | 'path' | 'header';
  /** Where in the body, as a JSON pointer (RFC 6901). */
  readonly pointer?: string;
  readonly detail: string;
}

/** Members of a problem beyond those of RFC 9457. */
export interface ProblemExtensions {
  readonly errors?: readonly FieldError[];
  readonly [name: string]: unknown;
}

/**
 * An error for the caller, sent as RFC 9457 problem details. `code` is stable: clients branch on it; `detail` is for people.
 */
export class Problem extends HttpException {
  constructor(
    status: HttpStatus,
    readonly code: string,
    readonly detail: string,
    readonly extensions: ProblemExtensions = {},
    /** Sent with it, such as a challenge. */
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail, status);
  }
}

/** 400 for a request whose fields are wrong, every one of them named. */
export function invalidRequest(errors: readonly FieldError[]): Problem {
  const fields = errors.map(({ field }) => field || 'body').join(', ');
  return new Problem(HttpStatus.BAD_REQUEST, 'invalid-request', `Wrong or missing: ${fields}.`, { errors });
}

export function notFound(detail: string): Problem {
  return new Problem(HttpStatus.NOT_FOUND, 'not-found', detail);
}

/** The `type` of a problem: stable, and the same in every service. */
export function problemType(code: string): string {
  return `urn:orders:problem:${code}`;
}
