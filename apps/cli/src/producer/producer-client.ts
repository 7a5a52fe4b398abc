import type { Readable } from 'node:stream';
import { request, type Dispatcher } from 'undici';
import type { z } from 'zod';
import { NoToken } from '../auth/no-token.js';
import { sendWithToken } from '../auth/send-with-token.js';
import type { TokenSource } from '../auth/token-source.js';
import { CliError } from '../cli-error.js';
import { connectionCode, connectionError } from './connection-failure.js';
import { jsonIn } from './json-text.js';
import { problemError } from './problem-details.js';
import { withRetries } from './retries.js';
import type { RetryTiming } from './retry-timing.js';

const ANSWER_WITHIN_MS = 60_000;

/** One request, which may be sent several times. */
export interface ProducerRequest {
  readonly method: 'GET' | 'POST';
  /** Beginning with `/v1/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes the body anew for each try: a stream can be sent once only. */
  readonly body?: () => string | Readable;
  /** For work that takes minutes: waits for the answer without a limit. One minute otherwise. */
  readonly isPatient?: boolean;
  /** What to do when the connection broke for good and nobody knows whether the request was done. */
  readonly unknownOutcome?: string;
}

/**
 * The producer's HTTP API. Requests whose connection fails are sent again, up to four times within some two seconds: every one of
 * them is safe to repeat, by its nature or by its Idempotency-Key. So are those whose token it refuses, with another one.
 *
 * With undici's own `request` rather than the built-in `fetch`: that ends each request after five minutes without a header, and
 * holds a whole upload in memory.
 */
export class ProducerClient {
  /**
   * @param url as `serviceUrl` makes it
   * @param tokens sent there only: redirects are answers like others here
   */
  constructor(
    readonly url: string,
    readonly timing: RetryTiming,
    private readonly tokens: TokenSource = new NoToken(url),
  ) {}

  /**
   * Asks, and checks what comes back.
   * @throws CliError for problem details, for no producer, for no token that is let in, and for an answer of another form
   */
  async ask<T>(what: ProducerRequest, schema: z.ZodType<T>): Promise<T> {
    const { status, text } = await this.exchange(what);
    const asked = `${what.method} ${this.url}${what.path}`;
    if (status >= 400) throw problemError(status, text, asked);
    const parsed = schema.safeParse(jsonIn(text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue === undefined ? '' : ` ${issue.path.join('.')}: ${issue.message}.`;
    throw new CliError(
      'unexpected-answer',
      `${asked} answered something that this command line can't read.${where}`,
      'Is it the producer, and of the same version? --url names it.',
    );
  }

  /**
   * Opens a stream, once, or twice if the token has expired. Without a byte for so long the body fails with a connection error.
   * @throws whatever the connection threw (see `connectionCode`), and CliError where no token is let in
   */
  async stream(
    path: string,
    { headers, signal, silentForMs }: { headers: Record<string, string>; signal: AbortSignal; silentForMs: number },
  ): Promise<Dispatcher.ResponseData> {
    const options = { signal, headersTimeout: ANSWER_WITHIN_MS, bodyTimeout: silentForMs };
    return sendWithToken(
      this.tokens,
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

  private async once({ method, path, headers, body, isPatient }: ProducerRequest) {
    const limit = isPatient === true ? 0 : ANSWER_WITHIN_MS;
    const { statusCode, body: answer } = await sendWithToken(this.tokens, async (authorization) =>
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
