import { types } from 'node:util';
import { CliError } from '../cli-error.js';

/** Nobody answered, or the connection broke: another try may do. */
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
/** No connection came about, so nothing can have been done. */
const NEVER_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

/** The code of a failed connection; undefined for any other failure. */
export function connectionCode(error: unknown): string | undefined {
  // Node's own errors are of another realm under Jest, where `instanceof` doesn't know them.
  if (!types.isNativeError(error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code !== undefined && CONNECTION_CODES.has(code) ? code : connectionCode(error.cause);
}

/**
 * What to tell when the tries are used up: `no-producer` if there was never a connection, else `connection-broken`.
 * @param unknownOutcome what to do when the request may have been done all the same
 */
export function connectionError(url: string, cause: unknown, unknownOutcome: string): CliError {
  const code = connectionCode(cause) ?? 'unknown';
  if (NEVER_CONNECTED.has(code))
    return new CliError(
      'no-producer',
      `No producer answers at ${url} (${code}): start one with \`npm start\`, or name another with --url.`,
      '',
      { cause },
    );
  return new CliError('connection-broken', `The connection to ${url} broke (${code}).`, unknownOutcome, { cause });
}
