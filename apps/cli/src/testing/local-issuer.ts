import { answerJson, bodyOf, LocalProducer, type Answerer } from './local-producer.js';

/** A client that the issuer knows, with letters that must be encoded. */
export const CLIENT = { id: 'orders: ü', secret: 's3cret+/ &%' } as const;

/** The same as environment variables. */
export const CLIENT_ENV = { ORDERS_CLIENT_ID: CLIENT.id, ORDERS_CLIENT_SECRET: CLIENT.secret } as const;

const TOKEN_PATH = '/issuer/token';

/** A request for a token as it arrived. */
interface TokenRequest {
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

/** A real HTTP server that plays an OpenID provider, for specs. Its tokens are `token-1`, `token-2` and so on. */
export class LocalIssuer {
  readonly tokenRequests: TokenRequest[] = [];
  private granted = 0;
  private expired = 0;

  private constructor(private readonly server: LocalProducer) {}

  /** @param instead answers other than its own, by path */
  static async start(instead: Readonly<Record<string, Answerer>> = {}): Promise<LocalIssuer> {
    const server = await LocalProducer.start(async (request, response, at) => {
      const path = request.url ?? '';
      if (path === TOKEN_PATH) await issuer.keep(request);
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

  /** With a path, as providers with several realms have it. */
  get url(): string {
    return `${this.server.url}/issuer`;
  }

  get tokenUrl(): string {
    return `${this.server.url}${TOKEN_PATH}`;
  }

  /** Such as `POST /issuer/token`. */
  get asked(): string[] {
    return this.server.arrivals.map(({ method, path }) => `${method} ${path}`);
  }

  /** Another token, as it is told a client. */
  grant(): object {
    this.granted += 1;
    return { access_token: `token-${this.granted}`, token_type: 'bearer', expires_in: 3_600 };
  }

  /** Ends the tokens granted so far. */
  expireTokens(): void {
    this.expired = this.granted;
  }

  /** Whether an Authorization header holds a token of its own that hasn't expired. */
  takes(authorization: string | undefined): boolean {
    const [, number] = /^Bearer token-(\d+)$/.exec(authorization ?? '') ?? [];
    return number !== undefined && Number(number) > this.expired && Number(number) <= this.granted;
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }

  private async keep(request: Parameters<Answerer>[0]): Promise<void> {
    const form = Object.fromEntries(new URLSearchParams((await bodyOf(request)).toString()));
    this.tokenRequests.push({ authorization: request.headers.authorization, form });
  }
}
