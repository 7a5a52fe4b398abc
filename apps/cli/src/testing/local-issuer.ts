import { answerJson, bodyOf, LocalProducer, type Answerer } from './local-producer.js';

/** The client of the issuer, with characters that must be encoded, and some that must not. */
export const CLIENT = { id: 'orders: ü', secret: 's3cret-._=+/ &%' } as const;

/** The same as environment variables. */
export const CLIENT_ENV = { ORDERS_CLIENT_ID: CLIENT.id, ORDERS_CLIENT_SECRET: CLIENT.secret } as const;

const TOKEN_PATH = '/issuer/token';

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
    const server = await LocalProducer.start(async (request, response, at) => {
      const path = request.url ?? '';
      if (path === TOKEN_PATH) await issuer.record(request);
      const other = instead[path];
      if (other !== undefined) await other(request, response, at);
      else if (path === '/issuer/.well-known/openid-configuration')
        answerJson(response, 200, { issuer: issuer.url, token_endpoint: issuer.tokenUrl });
      else if (path === TOKEN_PATH) answerJson(response, 200, issuer.grant());
      else answerJson(response, 404, {});
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
    return this.server.arrivals.map(({ method, path }) => `${method} ${path}`);
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

  private async record(request: Parameters<Answerer>[0]): Promise<void> {
    const form = Object.fromEntries(new URLSearchParams((await bodyOf(request)).toString()));
    this.tokenRequests.push({ authorization: request.headers.authorization, form });
  }
}
