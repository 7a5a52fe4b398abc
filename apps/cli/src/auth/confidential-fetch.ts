import type { CustomFetchOptions } from 'oauth4webapi';
import { request } from 'undici';
import { usageError } from '../cli-error.js';
import { printable } from '../terminal/printable.js';

const LIMITS = { headersTimeout: 10_000, bodyTimeout: 10_000 };

/**
 * Sends a request; it follows no redirect. All requests on the way to a token are sent here: an attacker who can change one response can
 * name the next address, and so receive the client secret.
 *
 * The only header of the response is Content-Type: with WWW-Authenticate, oauth4webapi would not read the error in the body.
 * @throws CliError `insecure-address`, and connection errors (see `connectionCode`), also if no data arrive for 10 s
 */
export async function confidentialFetch(
  url: string,
  options: Pick<CustomFetchOptions<'GET' | 'POST', URLSearchParams | undefined>, 'method' | 'headers' | 'body'>,
  signal: AbortSignal | null = null,
): Promise<Response> {
  if (!isConfidential(url)) {
    const message = `ORDERS_CLIENT_SECRET is not sent: ${printable(url)} is neither https nor on this machine.`;
    throw usageError('insecure-address', message, 'Use https, or set ORDERS_TOKEN.');
  }
  const body = options.body?.toString() ?? null;
  const answer = await request(url, { ...LIMITS, method: options.method, headers: options.headers, body, signal });
  const headers = { 'content-type': String(answer.headers['content-type']) };
  return new Response((await answer.body.text()) || null, { status: answer.statusCode, headers });
}

/** Whether no third party can read or change what is sent to an address: https, or http to this machine. */
export function isConfidential(address: string): boolean {
  const { protocol, hostname = '' } = URL.parse(address) ?? {};
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback);
}
