import type { ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { json, LocalProducer, problem, type Answerer } from './local-producer.js';

/** The client of the issuer, with characters that must be encoded, and some that must not. */
export const CLIENT = { id: 'orders: ü', secret: 's3cret-._=+/ &%' } as const;

/** The same as environment variables. */
export const CLIENT_ENV = { ORDERS_CLIENT_ID: CLIENT.id, ORDERS_CLIENT_SECRET: CLIENT.secret } as const;

/** The path of the metadata in which a producer names its issuer. */
export const METADATA_PATH = '/.well-known/oauth-protected-resource';
export const CONFIGURATION_PATH = '/issuer/.well-known/openid-configuration';
export const TOKEN_PATH = '/issuer/token';

/** A token request that the issuer received. */
interface TokenRequest {
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

/** An HTTP server that acts as an OpenID provider in specs. Its tokens are `token-1`, `token-2` and so on. */
export class LocalIssuer {
  readonly tokenRequests: TokenRequest[] = [];
  private granted = 0;
  private expired = 0;

  private constructor(private readonly server: LocalProducer) {}

  /** Starts the server. @param instead answers by path that replace the default ones */
  static async start(instead: Readonly<Record<string, Answerer>> = {}): Promise<LocalIssuer> {
    const answers: Readonly<Record<string, Answerer>> = {
      [CONFIGURATION_PATH]: (...exchange) => json({ issuer: issuer.url, token_endpoint: issuer.tokenUrl })(...exchange),
      [TOKEN_PATH]: (...exchange) => json(issuer.grant())(...exchange),
      ...instead,
    };
    const server = await LocalProducer.start(async (request, response, at) => {
      const path = request.url ?? '';
      if (path === TOKEN_PATH)
        issuer.tokenRequests.push({
          authorization: request.headers.authorization,
          form: Object.fromEntries(new URLSearchParams(await text(request))),
        });
      await (answers[path] ?? json({}, 404))(request, response, at);
    });
    const issuer = new LocalIssuer(server);
    return issuer;
  }

  /** The address of the issuer, with a path as for providers with several realms. */
  get url(): string {
    return `${this.server.url}/issuer`;
  }

  get tokenUrl(): string {
    return `${this.server.url}${TOKEN_PATH}`;
  }

  /** The requests that the issuer received, such as `POST /issuer/token`. */
  get requests(): string[] {
    return this.server.requests;
  }

  /** Returns the response with the next token. */
  grant(): object {
    this.granted += 1;
    return { access_token: `token-${this.granted}`, token_type: 'bearer', expires_in: 3_600 };
  }

  /** Expires all tokens granted so far. */
  expireTokens(): void {
    this.expired = this.granted;
  }

  /** Whether an Authorization header contains a token of this issuer that has not expired. */
  accepts(authorization: string | undefined): boolean {
    const [, number] = /^Bearer token-(\d+)$/.exec(authorization ?? '') ?? [];
    return number !== undefined && Number(number) > this.expired && Number(number) <= this.granted;
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}

/**
 * Answers as a producer that accepts only the tokens of an issuer.
 * @param answer answers requests with a valid token; its `at` counts only those
 */
export function guardedBy(issuer: LocalIssuer, answer: Answerer): Answerer {
  let accepted = 0;
  return (request, response, at) => {
    const { authorization } = request.headers;
    if (request.url === METADATA_PATH) return json(metadataOf(issuer.url))(request, response, at);
    if (!issuer.accepts(authorization))
      return rejectToken(response, authorization === undefined ? undefined : 'The token has expired.');
    accepted += 1;
    return answer(request, response, accepted - 1);
  };
}

/** Returns the metadata of a producer that accepts the tokens of an issuer. */
export function metadataOf(issuer: string): object {
  return {
    resource: 'orders',
    authorization_servers: [issuer],
    scopes_supported: ['orders:read', 'orders:write'],
    bearer_methods_supported: ['header'],
  };
}

/** Responds with 401. @param reason why the token is rejected; undefined: the request had no token */
export function rejectToken(response: ServerResponse, reason: string | undefined): unknown {
  const why = reason === undefined ? '' : `, error="invalid_token", error_description="${reason}"`;
  response.setHeader('www-authenticate', `Bearer realm="orders"${why}`);
  const detail = reason ?? 'A bearer token is required.';
  return problem(401, 'unauthorized', { detail })(response.req, response, 0);
}
