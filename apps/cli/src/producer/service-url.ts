import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';

const DEFAULT_PORT = '3001';
const DEFAULT_CONSOLE_PORT = '3002';

/** The producer that is meant without `--url`: ORDERS_URL, else the one of `npm start` on this machine. Empty variables count as absent. */
export function defaultProducerUrl(env: NodeJS.ProcessEnv): string {
  return env['ORDERS_URL'] || `http://127.0.0.1:${env['PRODUCER_PORT'] || DEFAULT_PORT}`;
}

/** The console that is meant without `--console`: ORDERS_CONSOLE_URL, else the one of `npm start` on this machine. */
export function defaultConsoleUrl(env: NodeJS.ProcessEnv): string {
  return env['ORDERS_CONSOLE_URL'] || `http://127.0.0.1:${env['CONSOLE_PORT'] || DEFAULT_CONSOLE_PORT}`;
}

/**
 * An address without a slash at its end, ready for a path behind it.
 * @throws CliError `bad-url` for what is no http or https address
 */
export function serviceUrl(text: string): string {
  const url = URL.parse(text);
  const isUsable =
    url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '' && url.username === '';
  if (isUsable) return url.href.replace(/\/+$/, '');
  throw new CliError(
    'bad-url',
    `"${text}" is no address of a service.`,
    'Give --url (or ORDERS_URL; for scale --console, or ORDERS_CONSOLE_URL) one such as http://127.0.0.1:3001.',
    { exitCode: EXIT_CODE.usage },
  );
}
