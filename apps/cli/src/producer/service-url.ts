import { usageError } from '../cli-error.js';
import type { CliSettings } from '../cli-settings.js';

const DEFAULT_PORT = '3001';
const DEFAULT_CONSOLE_PORT = '3002';
const DEFAULT_FACADE_PORT = '3005';

/** Returns the default of `--url`: ORDERS_URL, else the producer of `npm start` on this machine. Empty variables count as not set. */
export function defaultProducerUrl(env: CliSettings): string {
  return env.ORDERS_URL || `http://127.0.0.1:${env.PRODUCER_PORT || DEFAULT_PORT}`;
}

/** Returns the default of `--console`: ORDERS_CONSOLE_URL, else the console of `npm start` on this machine. */
export function defaultConsoleUrl(env: CliSettings): string {
  return env.ORDERS_CONSOLE_URL || `http://127.0.0.1:${env.CONSOLE_PORT || DEFAULT_CONSOLE_PORT}`;
}

/** Returns the default of `--facade`: ORDERS_FACADE_URL, else the facade of `npm start -- --legacy` on this machine. */
export function defaultFacadeUrl(env: CliSettings): string {
  return env.ORDERS_FACADE_URL || `http://127.0.0.1:${env.FACADE_PORT || DEFAULT_FACADE_PORT}`;
}

/**
 * Validates an address and removes its trailing slash, so that a path can be appended.
 * @throws CliError `bad-url` if it is not an http or https address
 */
export function serviceUrl(text: string): string {
  const url = URL.parse(text);
  const isUsable =
    url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '' && url.username === '';
  if (isUsable) return url.href.replace(/\/+$/, '');
  throw usageError(
    'bad-url',
    `"${text.replace(/^.*@/s, '…@')}" is not the address of a service.`,
    'Set --url or ORDERS_URL (for scale: --console or ORDERS_CONSOLE_URL; for migration: --facade or ORDERS_FACADE_URL) to an address such as http://127.0.0.1:3001.',
  );
}
