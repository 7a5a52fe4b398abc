import type { Readable } from 'node:stream';
import { request, type Dispatcher } from 'undici';
import type { NextPage } from '#api/producer.js';
import { timeLimit } from '#orders/time-limit.js';
import { CliError, usageError } from '../cli-error.js';
import type { CliSettings } from '../cli-settings.js';
import { AccessToken, type Credentials } from './access-token.js';
import { connectionCode, connectionError, jsonIn, problemError, withRetries, type RetryTiming } from './connection.js';

const ANSWER_WITHIN_MS = timeLimit(60_000);
/** The settings with the address and the port of each service, and its usual port. */
const SERVICES = {
  producer: ['ORDERS_URL', 'PRODUCER_PORT', '3001'],
  console: ['ORDERS_CONSOLE_URL', 'CONSOLE_PORT', '3002'],
  facade: ['ORDERS_FACADE_URL', 'FACADE_PORT', '3005'],
} as const;

/** A request, which may be sent several times. */
export interface ProducerRequest {
  /** The path; it starts with `/v1/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, without members that are undefined: the service then applies its defaults. */
  readonly json?: object;
  /** Creates another body for each try: a stream can be sent only once. */
  readonly body?: () => string | Readable;
  /** Whether to wait for the response without a time limit, for work that takes minutes. Default: false, the limit is 1 min. */
  readonly noTimeout?: boolean;
  /** The remedy if the last try failed and it is unknown whether the producer executed the request. */
  readonly unknownOutcome?: string;
}

/**
 * Client of the producer's HTTP API. It sends a request up to four times within about 2 s if its connection fails: all requests are
 * idempotent, some by an Idempotency-Key. It also repeats requests with a rejected token, using another token.
 *
 * It uses undici's `request` instead of the built-in `fetch`, which aborts requests after 5 min without a response header, and keeps
 * whole uploads in memory.
 */
export class ProducerClient {
  private readonly token: AccessToken;

  /**
   * @param url an address as `serviceUrl` returns it
   * @param credentials none by default; tokens are sent only to `url`, because redirects are not followed
   */
  constructor(
    readonly url: string,
    readonly timing: RetryTiming,
    credentials: Credentials = {},
  ) {
    this.token = new AccessToken(credentials, url, timing);
  }

  /**
   * Reads a path and returns the JSON object of the response. `T` is its type in the API of this version.
   * @throws CliError for problem details, an unavailable producer, a missing or rejected token, and a response without a JSON object
   */
  async get<T>(path: string): Promise<T> {
    return this.exchange('GET', { path });
  }

  /** As `get`. Every request is idempotent, some by an Idempotency-Key. */
  async post<T>(what: ProducerRequest): Promise<T> {
    return this.exchange('POST', what);
  }

  /**
   * Opens a stream; it sends a second request only if the token has expired. The body fails with a connection error after
   * `idleTimeoutMs` without data.
   * @throws connection errors (see `connectionCode`), and CliError if the producer accepts no token
   */
  async stream(
    path: string,
    { headers, signal, idleTimeoutMs }: { headers: Record<string, string>; signal: AbortSignal; idleTimeoutMs: number },
  ): Promise<Dispatcher.ResponseData> {
    const options = { signal, headersTimeout: ANSWER_WITHIN_MS, bodyTimeout: idleTimeoutMs };
    return this.token.send(
      async (authorization) => request(`${this.url}${path}`, { ...options, headers: { ...headers, ...authorization } }),
      signal,
    );
  }

  private async exchange<T>(method: 'GET' | 'POST', what: ProducerRequest): Promise<T> {
    const { status, text } = await withRetries(this.timing, async () => this.once(method, what)).catch(
      (error: unknown) => {
        if (connectionCode(error) === undefined) throw error;
        throw connectionError(this.url, error, what.unknownOutcome ?? 'Try again.');
      },
    );
    const sent = `${method} ${this.url}${what.path}`;
    if (status >= 400) throw problemError(status, text, sent);
    const json = jsonIn(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as T;
    throw new CliError(
      'unexpected-answer',
      `${sent} returned an unexpected response. Its body is not a JSON object.`,
      'Check that --url is the address of a producer of the same version.',
    );
  }

  private async once(method: 'GET' | 'POST', { path, headers, json, body, noTimeout }: ProducerRequest) {
    const type = json === undefined ? {} : { 'content-type': 'application/json' };
    const limit = noTimeout === true ? 0 : ANSWER_WITHIN_MS;
    const { statusCode, body: answer } = await this.token.send(async (authorization) =>
      request(`${this.url}${path}`, {
        method,
        headers: { accept: 'application/json', ...type, ...headers, ...authorization },
        body: json === undefined ? (body?.() ?? null) : JSON.stringify(json),
        headersTimeout: limit,
        bodyTimeout: limit,
      }),
    );
    return { status: statusCode, text: await answer.text() };
  }
}

/**
 * Reads a paged list page by page. The next page is requested only after the previous one was consumed.
 * @param path the path of the first page; it starts with `/v1/`
 */
export async function* pagesOf<T>(client: ProducerClient, path: string): AsyncGenerator<readonly T[]> {
  for (let next: string | undefined = path; next !== undefined;) {
    const { items, page }: { items: readonly T[]; page: NextPage } = await client.get(next);
    yield items;
    next = page.next;
    // Only paths of this API: the text is appended to the address of the producer and must not change the host.
    if (next?.startsWith('/v1/') === false)
      throw new CliError('unexpected-answer', `page.next of ${client.url}${path} is not a path of the API.`, '');
  }
}

/** Reads a paged list item by item. @param path as of `pagesOf` */
export async function* itemsOf<T>(client: ProducerClient, path: string): AsyncGenerator<T> {
  for await (const page of pagesOf<T>(client, path)) yield* page;
}

/** Adds the parameters that are not undefined to a path. */
export function withQuery(path: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

/**
 * Returns the default of `--url`, `--console` or `--facade`: the address in the environment, else the service of `npm start` on this machine.
 * Empty variables count as not set.
 */
export function defaultUrl(env: CliSettings, service: keyof typeof SERVICES): string {
  const [address, port, usualPort] = SERVICES[service];
  return env[address] || `http://127.0.0.1:${env[port] || usualPort}`;
}

/**
 * Validates an address and removes its trailing slash, so that a path can be appended.
 * @throws CliError `bad-url` if it is not an http or https address
 */
export function serviceUrl(text: string): string {
  const url = URL.parse(text);
  const isUsable =
    url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '' && url.username === '';
  if (isUsable) return url.href.replace(/\/+$/, '');
  throw usageError(
    'bad-url',
    `"${text.replace(/^.*@/s, '…@')}" is not the address of a service.`,
    'Set --url or ORDERS_URL (for scale: --console or ORDERS_CONSOLE_URL; for migration: --facade or ORDERS_FACADE_URL) to an address such as http://127.0.0.1:3001.',
  );
}
