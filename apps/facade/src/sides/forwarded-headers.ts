import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Headers of one connection only (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Headers that the facade sets or checks itself. It asks for no encoding, because it compares the bodies. It has checked a web page's
 * `origin`, and it answers conditional requests: the next answer may come from the other side.
 */
const OWN_REQUEST_HEADERS = new Set([
  'accept-encoding',
  'content-length',
  'expect',
  'host',
  'if-none-match',
  'if-modified-since',
  'origin',
  'x-api-key',
]);

/**
 * Returns the target of a forwarded request: a path of the facade's own routes, with the query as it was sent. The target that a client has
 * sent can be a whole URL (RFC 9112, section 3.2.2), whose host would choose another system behind a proxy that several share.
 */
export function forwardedTarget(path: string, { url = '' }: IncomingMessage): string {
  const at = url.indexOf('?');
  return at === -1 ? path : path + url.slice(at);
}

type Headers = Record<string, string | string[]>;

/** @param isAuthorized the `authorization` header was the facade's own; the legacy system must not see it */
export function requestHeadersFor(headers: IncomingHttpHeaders, isAuthorized: boolean): Headers {
  return without(
    headers,
    (name) => HOP_BY_HOP.has(name) || OWN_REQUEST_HEADERS.has(name) || (isAuthorized && name === 'authorization'),
  );
}

/** Returns the headers of a response that belong to it, not to the connection on which it came. */
export function responseHeadersOf(headers: IncomingHttpHeaders): Headers {
  return without(headers, (name) => HOP_BY_HOP.has(name));
}

function without(headers: IncomingHttpHeaders, isLeftOut: (name: string) => boolean): Headers {
  const named = new Set(headers.connection?.split(',').map((name) => name.trim().toLowerCase()));
  const kept: Headers = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !isLeftOut(name) && !named.has(name)) kept[name] = value;
  return kept;
}
