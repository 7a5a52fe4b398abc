import { usageError } from '../cli-error.js';
import type { CliSettings } from '../cli-settings.js';

/** The credentials, printed below the help of the command line. */
export const CREDENTIALS_HELP = `
If the producer requires a token, set in the environment or in .env:
  ORDERS_TOKEN           a bearer token
  ORDERS_CLIENT_ID and   or client credentials, to request tokens
  ORDERS_CLIENT_SECRET   from the issuer that the producer names
  ORDERS_ISSUER          the only issuer that they are sent to`;

/** Authenticates a client to an issuer. */
export interface ClientCredentials {
  readonly id: string;
  readonly secret: string;
  /** The only issuer to send them to. Default: any issuer that the producer names. */
  readonly issuer?: string | undefined;
}

/** A token, or a client that requests tokens, or neither. */
export interface Credentials {
  readonly token?: string;
  readonly client?: ClientCredentials;
}

/**
 * Reads the credentials from the environment: a token, which has precedence, or those of a client. Empty variables count as not set.
 * @throws CliError `bad-setting`
 */
export function credentialsIn(env: CliSettings): Credentials {
  const { ORDERS_TOKEN: token, ORDERS_CLIENT_ID: id, ORDERS_CLIENT_SECRET: secret, ORDERS_ISSUER: issuer } = env;
  if (!id !== !secret) {
    const [given, missing] = id ? ['ID', 'SECRET'] : ['SECRET', 'ID'];
    const message = `ORDERS_CLIENT_${given} is set and ORDERS_CLIENT_${missing} is not.`;
    throw usageError('bad-setting', message, 'Set both or neither.');
  }
  if (token && !isBearerToken(token)) {
    const remedy = 'Set it to the token alone, without `Bearer`, spaces or quotes.';
    throw usageError('bad-setting', 'ORDERS_TOKEN is not a bearer token: it has invalid characters.', remedy);
  }
  if (token) return { token };
  return id && secret ? { client: { id, secret, issuer: issuer || undefined } } : {};
}

/** Whether a text is a valid bearer token (RFC 6750, 2.1). */
export function isBearerToken(text: string): boolean {
  return /^[\w.~+/-]+=*$/.test(text);
}
