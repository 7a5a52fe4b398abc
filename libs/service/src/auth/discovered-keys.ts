import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { AuthSettings } from './auth-settings.js';
import { IssuerUnavailableError, TokenVerifier } from './token-verifier.js';

export interface DiscoveryOptions {
  readonly issuer: string;
  /** Base URL for discovery and keys, if the issuer's own address is not reachable from here. */
  readonly discoveryUrl?: string | undefined;
  /** Replaceable in tests. */
  readonly fetch?: FetchImplementation;
}

const TIMEOUT_MS = 5_000;
/** An unknown key causes a new fetch of the keys, at most once per this time. */
const COOL_DOWN_MS = 30_000;
/** A revoked key is accepted no longer than this. */
const MAX_AGE_MS = 600_000;

/** Errors caused by the token and not by the provider: an unknown key, or no key id although there are several keys. */
const TOKEN_ERRORS = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

const DocumentSchema = z.object({ issuer: z.string(), jwks_uri: z.url() });

/**
 * Finds the keys of an OpenID provider by discovery. It does so for the first token and not at the start, so that the provider
 * may start later. A token with an unknown key causes a new fetch, since keys rotate.
 */
export function discoveredKeys(options: DiscoveryOptions): JWTVerifyGetKey {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  return async (header, token) => {
    keys ??= discover(options).catch((error: unknown) => {
      // Retry with the next token.
      keys = undefined;
      throw error;
    });
    const find = await keys;
    try {
      return await find(header, token);
    } catch (error) {
      if (TOKEN_ERRORS.some((type) => error instanceof type)) throw error;
      throw new IssuerUnavailableError(`The keys of ${options.issuer} can't be fetched.`, { cause: error });
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
    throw new IssuerUnavailableError(`The issuer at ${base} is ${found.issuer}, not ${issuer} (setting AUTH_ISSUER).`);
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
    throw new IssuerUnavailableError(`The provider's document at ${url} can't be fetched.`, { cause: error });
  }
}

/** Returns the keys' address on `base`: the one that the provider advertises may not be reachable from a container. */
function reachable(keys: URL, issuer: URL, base: URL): URL {
  if (keys.origin !== issuer.origin) return keys;
  return new URL(keys.pathname + keys.search, base.origin);
}

/** Creates the verifier for these settings. */
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
