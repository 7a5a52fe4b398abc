import { STATUS_CODES } from 'node:http';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import { responseHeadersOf } from '../sides/side-connection.js';
import type { LegacySide } from '../sides/legacy-side.js';
import { SideAwayError } from '../sides/side.js';

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

/** The request was not sent, because the legacy system is known to be away: it is certain that it was not carried out. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError';
}

/** The legacy system's API, for requests that are passed on. */
export interface LegacyPort {
  /** @throws NotSentError, or another Error if there is no answer and the request may have been carried out */
  post(request: ForwardedRequest): Promise<LegacyAnswer>;

  /** Returns the highest number in use, 0 without an order. @throws Error if there is no answer */
  highestNumber(signal: AbortSignal): Promise<number>;
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** @param status 201 for a new order, 200 for one that was there */
export function orderAnswer(status: 200 | 201, record: Partial<LegacyRecord> | null): LegacyAnswer {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(record) };
}

/** An error in the form of the legacy system's framework, with a stable code and, if there is one, the invalid field. */
export function errorAnswer(status: number, code: string, message: string, field?: string): LegacyAnswer {
  const error = STATUS_CODES[status] ?? 'Error';
  const body = JSON.stringify({ statusCode: status, code, error, message, ...(field !== undefined && { field }) });
  return { status, headers: { ...JSON_HEADERS, ...(status === 503 && { 'retry-after': '1' }) }, body };
}

/** Returns the answer to a write whose outcome is not known yet. */
export function unknownOutcome(side: string, reason: string): LegacyAnswer {
  const message = `the ${side} side has not answered, and the order may be stored later: ${reason}. Repeat it under the same id.`;
  return errorAnswer(503, 'outcome-unknown', message);
}

/** Returns the answer to a request that the legacy system did not answer. */
export function noAnswer(error: unknown): LegacyAnswer {
  if (error instanceof NotSentError) return errorAnswer(503, 'legacy-away', error.message);
  return unknownOutcome('legacy', error instanceof Error ? error.message : String(error));
}

const MAX_NUMBER = 1_000_000_000;

/** The legacy system's API over HTTP. */
export class LegacyGateway implements LegacyPort {
  constructor(private readonly side: Pick<LegacySide, 'forward' | 'isEmpty'>) {}

  async post({ path, headers, body }: ForwardedRequest): Promise<LegacyAnswer> {
    try {
      return await this.side.forward({ method: 'POST', path, headers, body }, async (response) => ({
        status: response.status,
        headers: responseHeadersOf(response.headers),
        body: new Uint8Array(await response.body.arrayBuffer()),
      }));
    } catch (error) {
      const isUnsent = error instanceof SideAwayError && !error.wasAsked;
      throw isUnsent ? new NotSentError(error.message, { cause: error }) : error;
    }
  }

  /**
   * Finds the highest number by halving: the legacy system has no request for it, and numbers have holes. About 30 ranges are asked
   * for, and only the beginning of each is read.
   */
  async highestNumber(signal: AbortSignal): Promise<number> {
    let low = 0;
    let high = MAX_NUMBER;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (await this.side.isEmpty({ from: middle, to: MAX_NUMBER }, signal)) high = middle - 1;
      else low = middle;
    }
    return low;
  }
}
