import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import { printable } from '../terminal/printable.js';

/** Whether no third party can read or change what is sent to an address: https, or http to this machine. */
export function isConfidential(address: string): boolean {
  const url = URL.parse(address);
  if (url === null) return false;
  const { protocol, hostname } = url;
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback);
}

/**
 * Requires a confidential address. It is called for each address of the discovery: an attacker who can change one response can name the
 * next address, and so receive the client secret.
 * @param what the name of the server, for the message
 * @throws CliError `insecure-address`
 */
export function requireConfidential(what: string, address: string): void {
  if (isConfidential(address)) return;
  throw new CliError(
    'insecure-address',
    `ORDERS_CLIENT_SECRET is not sent: the address of ${what}, ${printable(address)}, is neither https nor on this machine.`,
    'Use https, or set ORDERS_TOKEN.',
    { exitCode: EXIT_CODE.usage },
  );
}
