import type { Readable } from 'node:stream';
import { request, type Dispatcher } from 'undici';
import { AccessToken } from '../auth/access-token.js';
import type { Credentials } from '../auth/credentials.js';
import { CliError } from '../cli-error.js';
import { connectionCode, connectionError } from './connection-failure.js';
import { jsonIn } from './json-text.js';
import { problemError } from './problem-details.js';
import { withRetries } from './retries.js';
import type { RetryTiming } from './retry-timing.js';
import { timeLimit } from '#orders/time-limit.js';

const ANSWER_WITHIN_MS = timeLimit(60_000);

/** A request, which may be sent several times. */
export interface ProducerRequest {
  readonly method: 'GET' | 'POST';
  /** The path; it starts with `/v1/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Creates the body for each try: a stream can be sent only once. */
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
   * Sends a request and returns the JSON object of the response. `T` is its type in the API of this version.
   * @throws CliError for problem details, an unavailable producer, a missing or rejected token, and a response without a JSON object
   */
  async request<T>(what: ProducerRequest): Promise<T> {
    const { status, text } = await this.exchange(what);
    const sent = `${what.method} ${this.url}${what.path}`;
    if (status >= 400) throw problemError(status, text, sent);
    const json = jsonIn(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as T;
    throw new CliError(
      'unexpected-answer',
      `${sent} returned an unexpected response. Its body is not a JSON object.`,
      'Check that --url is the address of a producer of the same version.',
    );
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

  private async exchange(what: ProducerRequest): Promise<{ status: number; text: string }> {
    try {
      return await withRetries(this.timing, async () => this.once(what));
    } catch (error) {
      if (connectionCode(error) === undefined) throw error;
      throw connectionError(this.url, error, what.unknownOutcome ?? 'Try again.');
    }
  }

  private async once({ method, path, headers, body, noTimeout }: ProducerRequest) {
    const limit = noTimeout === true ? 0 : ANSWER_WITHIN_MS;
    const { statusCode, body: answer } = await this.token.send(async (authorization) =>
      request(`${this.url}${path}`, {
        method,
        headers: { accept: 'application/json', ...headers, ...authorization },
        body: body?.() ?? null,
        headersTimeout: limit,
        bodyTimeout: limit,
      }),
    );
    return { status: statusCode, text: await answer.text() };
  }
}
