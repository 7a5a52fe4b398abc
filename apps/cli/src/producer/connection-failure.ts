import { types } from 'node:util';
import { CliError } from '../cli-error.js';

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
