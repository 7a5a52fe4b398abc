import type { IncomingHttpHeaders } from 'node:http';

/**
 * The headers of a caller that a service receives. Others could widen what a service trusts, such as `X-Forwarded-For`, cookies of
 * other applications on the host, and `Origin`, which the console has checked; or belong to the connection (RFC 9110, section 7.6.1).
 */
const PASSED_ON = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-type',
  // The service's own address: the proxy has set it.
  'host',
  'idempotency-key',
  'if-none-match',
  'last-event-id',
  'user-agent',
  'x-request-id',
]);

/**
 * Returns the headers of a forwarded request.
 * @param address that of the caller, for services that trust the console (setting TRUST_PROXY)
 */
export function forwardedHeaders(headers: IncomingHttpHeaders, address: string): IncomingHttpHeaders {
  const passedOn = Object.entries(headers).filter(([name]) => PASSED_ON.has(name));
  return { ...Object.fromEntries(passedOn), 'x-forwarded-for': address };
}
