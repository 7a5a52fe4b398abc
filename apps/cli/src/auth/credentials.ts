import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import type { RetryTiming } from '../producer/retry-timing.js';
import { isBearerToken } from './bearer-token.js';
import { ClientToken } from './client-token.js';
import { GivenToken } from './given-token.js';
import { NoToken } from './no-token.js';
import type { TokenSource } from './token-source.js';

/** The credentials, printed below the help of the command line. */
export const CREDENTIALS_HELP = `
If the producer requires a token, set in the environment or in .env:
  ORDERS_TOKEN           a bearer token
  ORDERS_CLIENT_ID and   or client credentials, to request tokens
  ORDERS_CLIENT_SECRET   from the issuer that the producer names
  ORDERS_ISSUER          the only issuer that they are sent to`;

/**
 * Selects the token source from the environment: a token, which has precedence, client credentials, or none. Empty variables count as
 * not set.
 * @throws CliError `bad-setting`
 */
export function tokenSource(env: NodeJS.ProcessEnv, producerUrl: string, timing: RetryTiming): TokenSource {
  const token = env['ORDERS_TOKEN'] || undefined;
  const id = env['ORDERS_CLIENT_ID'] || undefined;
  const secret = env['ORDERS_CLIENT_SECRET'] || undefined;
  if (id !== undefined && secret === undefined) throw halfAClient('ORDERS_CLIENT_ID', 'ORDERS_CLIENT_SECRET');
  if (id === undefined && secret !== undefined) throw halfAClient('ORDERS_CLIENT_SECRET', 'ORDERS_CLIENT_ID');
  if (token !== undefined) return new GivenToken(checked(token), producerUrl);
  const issuer = env['ORDERS_ISSUER'] || undefined;
  if (id !== undefined && secret !== undefined) return new ClientToken({ id, secret, issuer }, producerUrl, timing);
  return new NoToken(producerUrl);
}

function checked(token: string): string {
  if (isBearerToken(token)) return token;
  throw badSetting(
    'ORDERS_TOKEN is not a bearer token: it has invalid characters.',
    'Set it to the token alone, without `Bearer`, spaces or quotes.',
  );
}

function halfAClient(given: string, missing: string): CliError {
  return badSetting(`${given} is set and ${missing} is not.`, 'Set both or neither.');
}

function badSetting(message: string, remedy: string): CliError {
  return new CliError('bad-setting', message, remedy, { exitCode: EXIT_CODE.usage });
}
