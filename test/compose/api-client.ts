import { Agent, fetch } from 'undici';
import { z } from 'zod';

/** A service waits 20 s for a primary, after up to 6 s for one that hangs. Its 503 says more than no answer. */
const WITHIN_MS = 30_000;
const TokenSchema = z.object({ access_token: z.string() });

/** An answer of a service; `status` 0: there was none, and `text` says why. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface RequestOptions {
  readonly body?: string;
  readonly headers?: Record<string, string>;
  /** Whether the token is sent. Default: true. */
  readonly token?: boolean;
}

/** A client outside of a deployment: it knows an address, the deployment's authority, and the demo client of the issuer. */
export class ApiClient {
  private readonly dispatcher: Agent;
  private token = '';

  /**
   * @param signal aborts when the run is interrupted
   * @param authority the certificate that signs those of the deployment; '': the addresses are plain HTTP
   */
  constructor(
    readonly url: string,
    private readonly issuerUrl: string,
    private readonly signal: AbortSignal,
    private readonly authority = '',
  ) {
    this.dispatcher = new Agent({ connect: authority === '' ? {} : { ca: authority } });
  }

  /** Requests a token, which is valid for an hour. */
  async signIn(): Promise<this> {
    const credentials = Buffer.from('orders-demo:orders-demo-secret').toString('base64');
    const response = await fetch(`${this.issuerUrl}/token`, {
      method: 'POST',
      dispatcher: this.dispatcher,
      headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials&scope=orders:read orders:write ops:scale',
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`the issuer answers ${response.status}: ${text}`);
    this.token = TokenSchema.parse(JSON.parse(text)).access_token;
    return this;
  }

  /** Returns a client with the same token for another address. */
  at(url: string): ApiClient {
    const other = new ApiClient(url, this.issuerUrl, this.signal, this.authority);
    other.token = this.token;
    return other;
  }

  /** Sends one request, without retries. @throws the reason of an interruption of the run */
  async send(
    method: 'GET' | 'POST',
    path: string,
    { body, headers = {}, token = true }: RequestOptions = {},
  ): Promise<Answer> {
    try {
      const response = await fetch(`${this.url}${path}`, {
        method,
        dispatcher: this.dispatcher,
        headers: {
          ...(token && { authorization: `Bearer ${this.token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body }),
        signal: AbortSignal.any([this.signal, AbortSignal.timeout(WITHIN_MS)]),
      });
      const text = await response.text();
      return { status: response.status, text, headers: Object.fromEntries(response.headers) };
    } catch (error) {
      this.signal.throwIfAborted();
      const { cause = error } = error as { readonly cause?: unknown };
      return { status: 0, text: String(cause), headers: {} };
    }
  }

  /** Returns the parsed answer. @throws Error unless its status is 2xx */
  async json<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
    const answer = await this.send(method, path, body === undefined ? {} : { body: JSON.stringify(body) });
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 300)}`);
    return JSON.parse(answer.text) as T;
  }
}
