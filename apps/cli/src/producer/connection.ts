import { types } from 'node:util';
import { z } from 'zod';
import { backOffMs, pause, type Clock } from '@orders-pipeline/clock';
import { CliError, EXIT_CODE } from '../cli-error.js';
import { printable } from '../terminal/output.js';

const TRIES = 4;
const BACK_OFF = { initialMs: 200, maxMs: 2_000 };
/** Codes of failed or broken connections, for which a retry may help. */
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);
/** Codes of connections that were never established, so the server can not have executed the request. */
const NEVER_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);
/** The statuses of invalid requests, for which a retry can't help. */
const WRONG_REQUEST = new Set([400, 422]);

/** The clock and randomness of the back-off between tries, injected so that specs need not wait. */
export interface RetryTiming {
  readonly clock: Clock;
  /** Returns numbers from 0 up to 1. */
  readonly random: () => number;
}

/**
 * Runs work, up to four times within about 2 s if its connection fails.
 * @throws the error of the last try
 */
export async function withRetries<T>({ clock, random }: RetryTiming, work: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      if (connectionCode(error) === undefined || failures === TRIES) throw error;
      await pause(clock, backOffMs(BACK_OFF, failures, random));
    }
  }
}

/** Returns the code of a connection failure; undefined for any other failure. */
export function connectionCode(error: unknown): string | undefined {
  // Under Jest, errors of Node.js come from another realm, so `instanceof` does not recognize them.
  if (!types.isNativeError(error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code !== undefined && CONNECTION_CODES.has(code) ? code : connectionCode(error.cause);
}

/**
 * Creates the error after the last retry: `no-producer` if no connection was established, else `connection-broken`.
 * @param unknownOutcome the remedy if the producer may have executed the request
 */
export function connectionError(url: string, cause: unknown, unknownOutcome: string): CliError {
  const code = connectionCode(cause) ?? 'unknown';
  if (NEVER_CONNECTED.has(code))
    return new CliError(
      'no-producer',
      `No producer answers at ${url} (${code}): start one with \`npm start\`, or set another with --url.`,
      '',
      { cause },
    );
  return new CliError('connection-broken', `The connection to ${url} broke (${code}).`, unknownOutcome, { cause });
}

/** Parses JSON; returns undefined for text that is not JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** RFC 9457 problem details, with the invalid fields that the services add. */
const ProblemSchema = z.looseObject({
  title: z.string().optional(),
  detail: z.string().optional(),
  code: z.string().optional(),
  errors: z
    .array(z.looseObject({ field: z.string().optional(), pointer: z.string().optional(), detail: z.string() }))
    .optional(),
});

type Problem = z.infer<typeof ProblemSchema>;

/**
 * Converts an error response to an error; several invalid fields are listed, one a line. Its code is that of the problem details, or `unexpected-answer`
 * if the body is none, as from a server that is not a producer.
 * @param sent the method and URL of the request
 */
export function problemError(status: number, body: string, sent: string): CliError {
  const problem = problemIn(body);
  const exitCode = WRONG_REQUEST.has(status) ? EXIT_CODE.usage : EXIT_CODE.failed;
  if (problem === undefined)
    return new CliError(
      'unexpected-answer',
      `${sent} responded with ${status}.`,
      'Check that --url is the address of the producer.',
      { isTemporary: status >= 500 },
    );
  const { detail, title, code, errors = [] } = problem;
  const fields = errors.map((error) => printable(`${error.field ?? error.pointer ?? 'body'} ${error.detail}`));
  const [onlyField] = fields.length === 1 ? fields : [];
  const summary = fields.length > 1 ? 'Several values are invalid.' : printable(detail ?? title ?? `${status}`);
  const lines = [onlyField ?? summary, ...(onlyField === undefined ? fields.map((field) => `  ${field}`) : [])];
  const codeText = code === undefined ? '' : ` (${printable(code)})`;
  return new CliError(code ?? 'problem', lines.with(0, `${lines[0]}${codeText}`).join('\n'), '', {
    exitCode,
    isTemporary: status >= 500,
  });
}

/** Returns the text of problem details for the terminal; undefined if the body is none. */
export function problemDetail(body: string): string | undefined {
  const { detail, title } = problemIn(body) ?? {};
  const text = detail ?? title;
  return text === undefined ? undefined : printable(text);
}

function problemIn(body: string): Problem | undefined {
  const { data } = ProblemSchema.safeParse(jsonIn(body));
  return (data?.detail ?? data?.title) === undefined ? undefined : data;
}
