import { request } from 'undici';
import { CliError } from '../cli-error.js';
import { connectionCode } from '../producer/connection-failure.js';
import { jsonIn } from '../producer/json-text.js';
import { withRetries } from '../producer/retries.js';
import type { RetryTiming } from '../producer/retry-timing.js';
import { printable } from '../terminal/printable.js';

const ANSWER_WITHIN_MS = 10_000;

/** A request to an issuer. All of them are safe to repeat. */
export interface IssuerRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface IssuerAnswer {
  readonly status: number;
  /** The parsed body; undefined if it is not JSON. */
  readonly json: unknown;
}

/**
 * Sends a request to an issuer. It does not follow redirects.
 * @throws CliError `issuer-away` if the issuer can't be reached, or responds with 429 or 5xx
 */
export async function requestIssuer(
  { url, signal, ...what }: IssuerRequest,
  timing: RetryTiming,
): Promise<IssuerAnswer> {
  const { status, text } = await withRetries(timing, async () => {
    const limits = { headersTimeout: ANSWER_WITHIN_MS, bodyTimeout: ANSWER_WITHIN_MS };
    const { statusCode, body } = await request(url, { ...what, ...limits, signal: signal ?? null });
    return { status: statusCode, text: await body.text() };
  }).catch((error: unknown) => {
    const code = connectionCode(error);
    throw code === undefined ? error : issuerUnavailable(url, `can't be reached (${code})`);
  });
  if (status >= 500 || status === 429) throw issuerUnavailable(url, `responds with ${status}`);
  return { status, json: jsonIn(text) };
}

/** Creates the error without a cause: callers would treat a connection error in the cause as one of the producer. */
function issuerUnavailable(url: string, problem: string): CliError {
  return new CliError(
    'issuer-away',
    `The token issuer at ${printable(url)} ${problem}.`,
    'Retry when it is available, or set ORDERS_TOKEN.',
  );
}
