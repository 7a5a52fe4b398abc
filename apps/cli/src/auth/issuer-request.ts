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
  /** What was parsed of the body; undefined for what is no JSON. */
  readonly json: unknown;
}

/**
 * Asks an issuer, without following where it sends on to.
 * @throws CliError `issuer-away` when nobody answers there, or it can't for now
 */
export async function askIssuer({ url, signal, ...what }: IssuerRequest, timing: RetryTiming): Promise<IssuerAnswer> {
  const { status, text } = await withRetries(timing, async () => {
    const limits = { headersTimeout: ANSWER_WITHIN_MS, bodyTimeout: ANSWER_WITHIN_MS };
    const { statusCode, body } = await request(url, { ...what, ...limits, signal: signal ?? null });
    return { status: statusCode, text: await body.text() };
  }).catch((error: unknown) => {
    const code = connectionCode(error);
    throw code === undefined ? error : issuerAway(url, `can't be reached (${code})`);
  });
  if (status >= 500 || status === 429) throw issuerAway(url, `answers ${status}`);
  return { status, json: jsonIn(text) };
}

/** Without its cause: a broken connection below it would be taken for one to the producer. */
function issuerAway(url: string, how: string): CliError {
  return new CliError(
    'issuer-away',
    `The issuer of the tokens ${how}, at ${printable(url)}.`,
    'Try again when it answers, or set ORDERS_TOKEN.',
  );
}
