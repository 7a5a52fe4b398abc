import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { isDatabaseUnavailable } from '#service/mongodb/database-unavailable.js';
import { Problem } from '#service/http/problem.js';
import { SideAwayError } from '../sides/side-away-error.js';

const UNAVAILABLE = 503;
const RETRY_AFTER_SECONDS = '1';
/** Errors that end by themselves: the state is unknown, or writes are in the way. */
const TRANSIENT_CODES: ReadonlySet<unknown> = new Set(['state-unknown', 'still-open', 'handing-over', 'writes-behind']);

/** An error as a client of the legacy system gets it. */
export interface LegacyError {
  readonly status: number;
  /** Stable; the legacy system's own errors have none. */
  readonly code?: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Returns what a client gets for an error. `undefined`: it is unexpected, and its details are nothing for a client. */
export function legacyErrorOf(error: unknown): LegacyError | undefined {
  if (error instanceof Problem) {
    const { code, detail, headers } = error;
    return { status: error.getStatus(), code, message: detail, headers };
  }
  if (isDatabaseUnavailable(error))
    return { status: UNAVAILABLE, code: 'database-away', message: 'the database did not respond in time' };
  if (error instanceof SideAwayError) return { status: UNAVAILABLE, code: error.code, message: error.publicMessage };
  if (!(error instanceof Error)) return undefined;
  const { message, code, statusCode = 500 } = error as Error & { code?: unknown; statusCode?: number };
  const named = typeof code === 'string' ? { code } : {};
  if (TRANSIENT_CODES.has(code)) return { status: UNAVAILABLE, ...named, message };
  return statusCode < 500 ? { status: statusCode, ...named, message } : undefined;
}

/** Sends an error in the form of the legacy system: that of its framework. */
export function sendLegacyError(reply: FastifyReply, { status, code, message, headers }: LegacyError): void {
  if (status === UNAVAILABLE) void reply.header('retry-after', RETRY_AFTER_SECONDS);
  void reply
    .code(status)
    .headers(headers ?? {})
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ statusCode: status, code, error: STATUS_CODES[status] ?? 'Error', message }));
}
