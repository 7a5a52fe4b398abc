import { readFile, writeFile } from 'node:fs/promises';
import { errors, Provider, type ClientMetadata, type Configuration } from 'oidc-provider';
import { type JWK, exportJWK, generateKeyPair } from 'jose';
import { requestedScopes, SCOPES } from '#service/auth/scopes.js';
import { DEMO_CLIENT } from './settings.js';
import { LOGIN_PATH } from './login-page.js';

const TOKEN_SECONDS = 3_600;

interface IssuerOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: { readonly keys: readonly JWK[] };
  /** Origins whose Swagger UI and console page may use the issuer. */
  readonly docsOrigins: readonly string[];
  readonly cookieSecret: string;
}

/**
 * Creates an OpenID provider for development. Its demo client has all scopes: with client credentials, or for a user who logs in
 * with any name (authorization code with PKCE). The client of the console's page has those that a page requests. All access tokens are JWTs for the services of this pipeline (RFC 9068).
 */
export function developmentProvider({ issuer, audience, keys, docsOrigins, cookieSecret }: IssuerOptions): Provider {
  const scope = Object.keys(SCOPES).join(' ');
  const configuration: Configuration = {
    clients: [demoClient(docsOrigins, scope), pageClient(docsOrigins, requestedScopes(true).join(' '))],
    jwks: { keys: keys.keys.map((key) => ({ ...key })) as never },
    scopes: ['openid', ...Object.keys(SCOPES)],
    cookies: { keys: [cookieSecret] },
    // No implicit flow: tokens in URLs end up in browser histories and logs.
    responseTypes: ['code'],
    pkce: { required: () => true },
    clientBasedCORS: (_context, origin) => docsOrigins.includes(origin),
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    ttl: {
      ClientCredentials: TOKEN_SECONDS,
      AccessToken: TOKEN_SECONDS,
      Session: TOKEN_SECONDS,
      Grant: TOKEN_SECONDS,
      Interaction: TOKEN_SECONDS,
      IdToken: TOKEN_SECONDS,
    },
    interactions: { url: (_context, { uid }) => `${LOGIN_PATH}${uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // Without a resource, access tokens would be opaque, not JWTs.
        defaultResource: () => `urn:orders:audience:${audience}`,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => {
          if (resource !== `urn:orders:audience:${audience}`) throw new errors.InvalidTarget();
          return {
            scope,
            audience,
            accessTokenTTL: TOKEN_SECONDS,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
  };
  const provider = new Provider(issuer, configuration);
  // With an https address, a gateway is before it, whose headers say how clients reach it.
  provider.proxy = issuer.startsWith('https:');
  return provider;
}

/** Only native applications may use plain HTTP on localhost, and only others HTTPS on localhost. */
function typeFor(origins: readonly string[]): 'native' | 'web' {
  return origins.every((origin) => origin.startsWith('https:')) ? 'web' : 'native';
}

function demoClient(docsOrigins: readonly string[], scope: string): ClientMetadata {
  return {
    client_id: DEMO_CLIENT.id,
    client_secret: DEMO_CLIENT.secret,
    client_name: 'Orders demo',
    application_type: typeFor(docsOrigins),
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials', 'authorization_code'],
    response_types: ['code'],
    redirect_uris: docsOrigins.map((origin) => `${origin}/oauth2-redirect.html`),
    scope: `openid ${scope}`,
  };
}

/** The client of the console's page. It has no secret, since a page can not keep one. */
function pageClient(origins: readonly string[], scope: string): ClientMetadata {
  return {
    client_id: 'orders-console',
    client_name: 'Orders console',
    application_type: typeFor(origins),
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: origins.map((origin) => `${origin}/`),
    scope: `openid ${scope}`,
  };
}

/** Returns the signing key as a set of one. It reads the file, or creates it with access for its owner only. */
export async function signingKeys(file: string | undefined): Promise<{ keys: JWK[] }> {
  const kept = file === undefined ? undefined : await readKept(file);
  if (kept !== undefined) return kept;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const made = { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: crypto.randomUUID() }] };
  if (file !== undefined) await writeFile(file, JSON.stringify(made), { mode: 0o600 });
  return made;
}

async function readKept(file: string): Promise<{ keys: JWK[] } | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as { keys: JWK[] };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
