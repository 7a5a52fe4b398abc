import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@orders-pipeline/clock';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey, JWTHeaderParameters, JWTPayload } from 'jose';

interface SigningKey {
  readonly kid: string;
  readonly alg: 'RS256' | 'ES256' | 'EdDSA';
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

const AUDIENCE = 'orders';
const ALL = 'orders:read orders:write ops:scale dead-letters:redrive faults:inject audit:read';

/** The differences from a valid token; `null` omits a claim. */
export interface TokenOptions {
  readonly header?: Partial<JWTHeaderParameters>;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly key?: SigningKey;
}

/** A minimal OpenID provider for resource servers, whose keys and tokens can be invalid in every way. */
export class TestIssuer {
  private published: SigningKey[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<TestIssuer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const issuer = new TestIssuer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    issuer.published = await Promise.all((['RS256', 'ES256', 'EdDSA'] as const).map(signingKey));
    server.on('request', (request, response) => {
      void issuer
        .answer(String(request.url))
        .then((body) => response.writeHead(body === undefined ? 404 : 200).end(body));
    });
    return issuer;
  }

  /** Listens again after `stop`. */
  async resume(): Promise<void> {
    const { hostname, port } = new URL(this.url);
    await new Promise<void>((resolve) => void this.server.listen(Number(port), hostname, resolve));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Returns a published key. */
  keyOf(alg: SigningKey['alg']): SigningKey {
    const key = this.published.find((published) => published.alg === alg);
    if (key === undefined) throw new Error(`no published key for ${alg}`);
    return key;
  }

  get key(): SigningKey {
    return this.keyOf('RS256');
  }

  async publicKeyPem(): Promise<string> {
    return exportSPKI(this.key.publicKey);
  }

  /** Returns a token with all scopes, changed by the options. */
  async token({ header = {}, claims = {}, key = this.key }: TokenOptions = {}): Promise<string> {
    const now = Math.floor(systemClock.now() / 1_000);
    const payload = {
      iss: this.url,
      aud: AUDIENCE,
      sub: 'ada',
      client_id: 'desk',
      scope: ALL,
      iat: now,
      exp: now + 600,
      ...claims,
    };
    const given = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== null)) as JWTPayload;
    return new SignJWT(given)
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header })
      .sign(key.privateKey);
  }

  private async answer(path: string): Promise<string | undefined> {
    if (path === '/.well-known/openid-configuration')
      return JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/keys` });
    if (path !== '/keys') return undefined;
    const keys = this.published.map(async ({ kid, alg, publicKey }) => ({
      ...(await exportJWK(publicKey)),
      kid,
      alg,
      use: 'sig',
    }));
    return JSON.stringify({ keys: await Promise.all(keys) });
  }
}

/** Returns a key that is not published. */
export async function signingKey(alg: SigningKey['alg']): Promise<SigningKey> {
  return { kid: crypto.randomUUID(), alg, ...(await generateKeyPair(alg, { extractable: true })) };
}
