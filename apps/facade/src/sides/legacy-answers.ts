import { STATUS_CODES } from 'node:http';
import type { LegacyRecord } from '#legacy/translation/to-legacy.js';
import { Problem } from '#service/http/problem.js';
import { isDatabaseUnavailable } from '#service/mongodb/mongo-errors.js';
import { SideUnavailableError, SIDE_TEXTS, type SideName } from './side.js';

/** An answer in the form of the legacy system: its own, or one that looks like it. */
export interface LegacyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string | Uint8Array;
}

/** A request of a client, to be sent to the legacy system. */
export interface ForwardedRequest {
  /** With the query string. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string;
}

/** The legacy system's API, for requests that are passed on. */
export interface LegacyPort {
  /** @throws SideUnavailableError if there is no answer: unless it was not asked, it may have carried out the request */
  post(request: ForwardedRequest): Promise<LegacyAnswer>;

  /** Returns the highest number in use, 0 without an order. @throws Error if there is no answer */
  highestNumber(signal: AbortSignal): Promise<number>;
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' };
const UNAVAILABLE = 503;

/** @param status 201 for a new order, 200 for one that was there */
export function orderAnswer(status: 200 | 201, record: Partial<LegacyRecord> | null): LegacyAnswer {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(record) };
}

/** An error as a client of the legacy system gets it. */
interface LegacyError {
  readonly status: number;
  /** Stable; the legacy system's own errors have none. */
  readonly code?: string;
  readonly message: string;
  /** The invalid field, if there is one. */
  readonly field?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Returns an error in the form of the legacy system: that of its framework. */
export function errorAnswer({ status, code, message, field, headers }: LegacyError): LegacyAnswer {
  const error = STATUS_CODES[status] ?? 'Error';
  return {
    status,
    headers: { ...JSON_HEADERS, ...(status === UNAVAILABLE && { 'retry-after': '1' }), ...headers },
    body: JSON.stringify({ statusCode: status, code, error, message, field }),
  };
}

/** Returns the answer to a write whose outcome is not known yet. */
export function unknownOutcome(side: SideName, reason: string): LegacyAnswer {
  const message = `${SIDE_TEXTS[side]} has not answered, and the order may be stored later: ${reason}. Repeat it under the same id.`;
  return errorAnswer({ status: UNAVAILABLE, code: 'outcome-unknown', message });
}

/** Returns whether a request was certainly not carried out, because the legacy system is known to be unavailable and was not asked. */
export function isUnsent(error: unknown): error is SideUnavailableError {
  return error instanceof SideUnavailableError && !error.wasAsked;
}

/** Returns the answer to a request that the legacy system did not answer. */
export function noAnswer(error: unknown): LegacyAnswer {
  if (isUnsent(error)) return errorAnswer({ status: UNAVAILABLE, code: error.code, message: error.message });
  return unknownOutcome('legacy', error instanceof Error ? error.message : String(error));
}

/** Errors that end by themselves: the state is unknown, or writes are in the way. */
const TRANSIENT_CODES: ReadonlySet<unknown> = new Set(['state-unknown', 'still-open', 'handing-over', 'writes-behind']);

/** Returns what a client gets for an error. `undefined`: it is unexpected, and its details are nothing for a client. */
export function legacyErrorOf(error: unknown): LegacyError | undefined {
  if (error instanceof Problem) {
    const { code, detail, headers } = error;
    return { status: error.getStatus(), code, message: detail, headers };
  }
  if (isDatabaseUnavailable(error))
    return { status: UNAVAILABLE, code: 'database-away', message: 'the database did not respond in time' };
  if (error instanceof SideUnavailableError)
    return { status: UNAVAILABLE, code: error.code, message: error.publicMessage };
  if (!(error instanceof Error)) return undefined;
  const { message, code, statusCode = 500 } = error as Error & { code?: unknown; statusCode?: number };
  const named = typeof code === 'string' ? { code } : {};
  if (TRANSIENT_CODES.has(code)) return { status: UNAVAILABLE, ...named, message };
  return statusCode < 500 ? { status: statusCode, ...named, message } : undefined;
}
