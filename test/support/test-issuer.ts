import { createServer, type Server } from 'node:http';
import { systemClock } from '@orders-pipeline/clock';
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWTHeaderParameters,
  type JWTPayload,
} from 'jose';
import { freePort } from '../../dev/machine/ports.js';
import { TestSystem } from './test-system.js';
import type { TestedStack } from './tested-stack.js';

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
    // `resume` needs it again: an ephemeral one could be that of a connection by then.
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const issuer = new TestIssuer(server, `http://127.0.0.1:${port}`);
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

interface Refusal {
  readonly status: number;
  readonly challenge: string | null;
  readonly code: string;
  readonly detail: string;
}

/** A stack that requires tokens, and their issuer. */
export class GuardedStack {
  private constructor(
    readonly issuer: TestIssuer,
    readonly pipeline: TestSystem,
  ) {}

  static async start(settings: NodeJS.ProcessEnv): Promise<GuardedStack> {
    const issuer = await TestIssuer.start();
    const env = { AUTH_ISSUER: issuer.url, ...settings };
    return new GuardedStack(issuer, await TestSystem.start({ env, flags: ['--save-ms', '0..1'] }));
  }

  async end(): Promise<void> {
    await this.pipeline.stop();
    await this.issuer.stop();
  }

  get urls(): Pick<TestedStack, 'producerUrl' | 'queryApiUrl' | 'consoleUrl'> {
    return this.pipeline;
  }

  /** Sends a request to the service that has the path. */
  async request(path: string, token: string | undefined, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    return fetch(`${this.serviceOf(path, init.method)}${path}`, { ...init, headers });
  }

  /** Sends a request that must be refused, with problem details that reveal nothing. */
  async refusal(path: string, token: string | undefined, init?: RequestInit): Promise<Refusal> {
    const response = await this.request(path, token, init);
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    if (!type.startsWith('application/problem+json') || /node_modules|jose|    at /.test(text))
      throw new Error(`${path} has no proper problem details: ${response.status} ${type} ${text}`);
    const { code, detail } = JSON.parse(text) as Pick<Refusal, 'code' | 'detail'>;
    return { status: response.status, challenge: response.headers.get('www-authenticate'), code, detail };
  }

  /** Reads, or posts a body. @throws Error unless the status is 2xx */
  async json<T>(path: string, token: string, body?: object, headers: Record<string, string> = {}): Promise<T> {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await this.request(path, token, { ...init, headers });
    if (!response.ok) throw new Error(`${path} responded with ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** @returns the id of the operation */
  async populate(token: string, body: object = { count: 10 }, headers: Record<string, string> = {}): Promise<string> {
    return (await this.json<{ id: string }>('/v1/populate', token, body, headers)).id;
  }

  /** Waits until the ten orders of a populate are saved. */
  async savedBy(id: string, token: string): Promise<void> {
    while ((await this.json<{ saved: number }>(`/v1/operations/${id}`, token)).saved !== 10);
  }

  private serviceOf(path: string, method = 'GET'): string {
    const { queryApiUrl, consoleUrl, producerUrl } = this.urls;
    if (path.startsWith('/v1/pipeline')) return consoleUrl;
    if (path === '/v1/orders' && method === 'POST') return producerUrl;
    return /^\/v1\/(orders|audit)/.test(path) ? queryApiUrl : producerUrl;
  }
}
