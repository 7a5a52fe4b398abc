import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { AuthSettings } from './auth-settings.js';
import { IssuerAwayError, TokenVerifier } from './token-verifier.js';

export interface DiscoveryOptions {
  readonly issuer: string;
  /** Where to ask, if the issuer can't be reached under its own name; its keys are then asked for there too. */
  readonly discoveryUrl?: string | undefined;
  /** For specs. */
  readonly fetch?: FetchImplementation;
}

const TIMEOUT_MS = 5_000;
/** After a key that isn't known the keys are fetched again, but not more often than this. */
const COOL_DOWN_MS = 30_000;
/** A key that was withdrawn is taken no longer than this. */
const MAX_AGE_MS = 600_000;

/** What is wrong with the token rather than with the provider: a key that isn't known, none named where there are several. */
const OF_THE_TOKEN = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

const DocumentSchema = z.object({ issuer: z.string(), jwks_uri: z.url() });

/**
 * The keys of an OpenID provider, found by discovery: at the first token rather than at the start, so that the provider may come later. A
 * token whose key isn't known makes them be fetched again, since keys rotate.
 */
export function discoveredKeys(options: DiscoveryOptions): JWTVerifyGetKey {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  return async (header, token) => {
    keys ??= discover(options).catch((error: unknown) => {
      // The next token tries again.
      keys = undefined;
      throw error;
    });
    const find = await keys;
    try {
      return await find(header, token);
    } catch (error) {
      if (OF_THE_TOKEN.some((refusal) => error instanceof refusal)) throw error;
      throw new IssuerAwayError(`The keys of ${options.issuer} could not be had.`, { cause: error });
    }
  };
}

async function discover({
  issuer,
  discoveryUrl,
  fetch = globalThis.fetch,
}: DiscoveryOptions): Promise<JWTVerifyGetKey> {
  const base = (discoveryUrl ?? issuer).replace(/\/+$/, '');
  const found = await documentAt(`${base}/.well-known/openid-configuration`, fetch);
  if (found.issuer !== issuer)
    throw new IssuerAwayError(`${base} names itself ${found.issuer}, not ${issuer} (setting AUTH_ISSUER).`);
  return createRemoteJWKSet(reachable(new URL(found.jwks_uri), new URL(issuer), new URL(base)), {
    [customFetch]: fetch,
    timeoutDuration: TIMEOUT_MS,
    cooldownDuration: COOL_DOWN_MS,
    cacheMaxAge: MAX_AGE_MS,
  });
}

async function documentAt(url: string, fetch: FetchImplementation): Promise<z.infer<typeof DocumentSchema>> {
  try {
    const init = { headers: new Headers(), method: 'GET' as const, redirect: 'manual' as const };
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    return DocumentSchema.parse(await response.json());
  } catch (error) {
    throw new IssuerAwayError(`The provider's document at ${url} could not be had.`, { cause: error });
  }
}

/** The address of the keys as it can be reached from here: a provider names its own, which a container may not reach. */
function reachable(keys: URL, issuer: URL, base: URL): URL {
  if (keys.origin !== issuer.origin) return keys;
  return new URL(keys.pathname + keys.search, base.origin);
}

/** The verifier that settings ask for. */
export function tokenVerifier(settings: AuthSettings & { readonly AUTH_ISSUER: string }): TokenVerifier {
  return new TokenVerifier({
    issuer: settings.AUTH_ISSUER,
    audience: settings.AUTH_AUDIENCE,
    algorithms: settings.AUTH_ALGORITHMS,
    tokenType: settings.AUTH_TOKEN_TYPE,
    scopeClaim: settings.AUTH_SCOPE_CLAIM,
    keys: discoveredKeys({ issuer: settings.AUTH_ISSUER, discoveryUrl: settings.AUTH_DISCOVERY_URL }),
  });
}
