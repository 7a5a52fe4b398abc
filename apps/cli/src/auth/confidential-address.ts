import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import { printable } from '../terminal/printable.js';

/** Whether nobody on the way reads or changes what is sent there: https, or http that doesn't leave this machine. */
export function isConfidential(address: string): boolean {
  const url = URL.parse(address);
  if (url === null) return false;
  const { protocol, hostname } = url;
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback);
}

/**
 * For each address on the way to the one that gets a client's secret: a stranger who can change one of them can name the next.
 * @param what it is, for the message
 * @throws CliError `insecure-address`
 */
export function requireConfidential(what: string, address: string): void {
  if (isConfidential(address)) return;
  throw new CliError(
    'insecure-address',
    `ORDERS_CLIENT_SECRET is not used: ${what}, ${printable(address)}, is neither https nor on this machine.`,
    'Reach it by https, or set ORDERS_TOKEN.',
    { exitCode: EXIT_CODE.usage },
  );
}
