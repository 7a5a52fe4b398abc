import type { IncomingHttpHeaders } from 'node:http';
import type { GivenKey } from './client-keys.js';

/**
 * Returns the API key of a request: the header `X-Api-Key`, or the password of HTTP basic authentication (RFC 7617). The second needs no
 * change of a client but its address: `http://billing:KEY@facade:3005`.
 */
export function givenKey({ 'x-api-key': key, authorization }: IncomingHttpHeaders): GivenKey | undefined {
  if (typeof key === 'string') return { key };
  const [, encoded] = /^basic +([\w+/]+=*)$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : { name: text.slice(0, colon), key: text.slice(colon + 1) };
}
