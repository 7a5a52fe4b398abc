import type { FacadeSettings } from './settings.js';
import type { TokenClient } from './sides/new-side-token.js';

/** The facade writes orders and reads them. */
const SCOPE = 'orders:read orders:write';

/** Returns the facade's client at the token issuer; `undefined` without an issuer. */
export function tokenClient({
  AUTH_ISSUER: issuer,
  AUTH_DISCOVERY_URL: discoveryUrl,
  AUTH_ALLOW_HTTP_ISSUER: allowsHttp,
  FACADE_CLIENT_ID: id,
  FACADE_CLIENT_SECRET: secret,
}: FacadeSettings): TokenClient | undefined {
  if (issuer === undefined || secret === undefined) return undefined;
  return { issuer, discoveryUrl: discoveryUrl ?? issuer, allowsHttp, id, secret, scope: SCOPE };
}
