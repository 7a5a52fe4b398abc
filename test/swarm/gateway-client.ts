import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { z } from 'zod';

/** A service waits 20 s for a primary, after up to 6 s for one that hangs. Its 503 says more than no answer. */
const WITHIN_MS = 30_000;
const TokenSchema = z.object({ access_token: z.string() });

/** An answer of the gateway; `status` 0: there was none, and `text` says why. */
export interface GatewayAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A client outside of the swarm: it knows the gateway's address, its authority, and the demo client of the issuer. */
export class GatewayClient {
  private token = '';
  private readonly dispatcher: Agent;

  constructor(
    readonly url: string,
    private readonly issuerUrl: string,
    authorityFile: string,
  ) {
    // More connections than requests under way: a request never waits for another one.
    this.dispatcher = new Agent({ connect: { ca: readFileSync(authorityFile, 'utf8') }, connections: 64 });
  }

  /** Requests a token, which is valid for an hour. */
  async signIn(): Promise<void> {
    const credentials = Buffer.from('orders-demo:orders-demo-secret').toString('base64');
    const { statusCode, body } = await request(`${this.issuerUrl}/token`, {
      method: 'POST',
      dispatcher: this.dispatcher,
      headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials&scope=orders:read orders:write ops:scale',
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`the issuer answers ${statusCode}: ${text}`);
    this.token = TokenSchema.parse(JSON.parse(text)).access_token;
  }

  /** Sends one request, without retries. @param token whether it is sent */
  async send(
    method: 'GET' | 'POST',
    path: string,
    { body, headers = {}, token = true }: { body?: string; headers?: Record<string, string>; token?: boolean } = {},
  ): Promise<GatewayAnswer> {
    try {
      const answer = await request(`${this.url}${path}`, {
        method,
        dispatcher: this.dispatcher,
        headers: {
          ...(token && { authorization: `Bearer ${this.token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body ?? null,
        signal: AbortSignal.timeout(WITHIN_MS),
      });
      return { status: answer.statusCode, text: await answer.body.text(), headers: answer.headers };
    } catch (error) {
      return {
        status: 0,
        text: error instanceof Error ? `${error.name} ${error.message}` : String(error),
        headers: {},
      };
    }
  }

  /** Returns the parsed answer. @throws Error unless its status is 2xx */
  async json<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
    const answer = await this.send(method, path, body === undefined ? {} : { body: JSON.stringify(body) });
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 300)}`);
    return JSON.parse(answer.text) as T;
  }

  async close(): Promise<void> {
    await this.dispatcher.destroy();
  }
}
