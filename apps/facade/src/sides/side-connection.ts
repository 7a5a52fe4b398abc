import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '@orders-pipeline/clock';
import { errors, Pool, type Dispatcher } from 'undici';
import type { SideName } from './side.js';
import { Breaker } from './breaker.js';
import { SideAwayError, type AwayReason } from './side-away-error.js';
import { timeLimit } from '#orders/time-limit.js';

export interface ConnectionOptions {
  readonly side: SideName;
  /** The base URL, with a path if the side is behind one. */
  readonly url: string;
  /** Connections, and so requests that the side works on at a time. */
  readonly connections: number;
  /** From the call to the headers of the response, a wait for a connection included; and between two pieces of its body. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export interface SideRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query as they are sent. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

/** A response whose headers have arrived. Its body must be read or destroyed. */
export interface SideResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Dispatcher.ResponseData['body'];
}

/** A whole response. */
export interface WholeAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const CONNECT_MS = timeLimit(1_000);
/** Besides the running requests, half as many wait for a connection. */
const RUNNING_AND_WAITING = 1.5;
const BREAKER_PAUSE_MS = 500;

/** Bounded connections to a side, with time-outs and a circuit breaker. Each purpose has its own: comparing never delays answering. */
export class SideConnection {
  readonly side: SideName;
  /** Requests that the side works on at a time. */
  readonly connections: number;
  private readonly pool: Pool;
  private readonly breaker: Breaker;
  /** The path of the last read without an answer. */
  private unanswered = '/';
  private readonly basePath: string;
  private readonly timeoutMs: number;

  constructor({ side, url, connections, timeoutMs, clock }: ConnectionOptions) {
    const { origin, pathname } = new URL(url);
    this.side = side;
    this.connections = connections;
    this.timeoutMs = timeoutMs;
    this.basePath = pathname.replace(/\/+$/, '');
    this.pool = new Pool(origin, {
      connections,
      pipelining: 1,
      // `sendOnce` has its own time limit, because this one does not begin before there is a free connection.
      headersTimeout: 0,
      bodyTimeout: timeoutMs,
      connect: { timeout: CONNECT_MS },
    });
    this.breaker = new Breaker({
      side,
      maxRunning: Math.ceil(RUNNING_AND_WAITING * connections),
      pauseMs: BREAKER_PAUSE_MS,
      probe: async () => this.probe(),
      clock,
    });
  }

  get isBroken(): boolean {
    return this.breaker.isOpen;
  }

  /**
   * Sends a request. A GET is repeated once if its connection broke before the headers, such as when the side restarts.
   * @param read reads the response; an error on its way counts for the breaker too
   * @throws SideAwayError if there is no answer; the signal's reason if it is aborted
   */
  async request<T>(request: SideRequest, read: (response: SideResponse) => T | Promise<T>): Promise<T> {
    return this.breaker.run(async () => {
      try {
        return await read(await this.send(request));
      } catch (error) {
        const failure = this.toSideAway(error, request.signal);
        if (failure instanceof SideAwayError && request.method === 'GET') this.unanswered = request.path;
        throw failure;
      }
    });
  }

  /**
   * Sends a request and reads the whole response.
   * @param maxBytes a longer body is cut off, and `bad-answer`
   */
  async ask(request: SideRequest, maxBytes: number): Promise<WholeAnswer> {
    return this.request(request, async ({ status, headers, body }) => ({
      status,
      contentType: headers['content-type'],
      bytes: await this.readWhole(body, maxBytes),
    }));
  }

  async close(): Promise<void> {
    this.breaker.close();
    await this.pool.destroy();
  }

  /**
   * Asks what was not answered last, since a side may hang for some requests only, but without the headers: they may have a client's token.
   * A refusal is an answer too. Writes are never repeated.
   */
  private async probe(): Promise<void> {
    try {
      const { body } = await this.sendOnce({ method: 'GET', path: this.unanswered });
      await body.dump();
    } catch (error) {
      throw this.toSideAway(error, undefined);
    }
  }

  private async readWhole(body: SideResponse['body'], maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) throw new SideAwayError(this.side, 'bad-answer', `more than ${maxBytes} bytes`);
    }
    // Of its own memory, so that a worker thread can take it over.
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  private async send(request: SideRequest): Promise<SideResponse> {
    try {
      return await this.sendOnce(request);
    } catch (error) {
      if (request.method !== 'GET' || !isBrokenConnection(error)) throw error;
      return this.sendOnce(request);
    }
  }

  private async sendOnce({ method, path, headers, body, signal }: SideRequest): Promise<SideResponse> {
    const ending = new AbortController();
    const end = (): void => ending.abort(signal?.reason);
    const timer = setTimeout(() => ending.abort(this.late()), this.timeoutMs);
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end, { once: true });
    try {
      const response = await this.pool.request({
        method,
        path: `${this.basePath}${path}`,
        headers: headers ?? {},
        body: body ?? null,
        signal: ending.signal,
      });
      response.body.once('close', () => signal?.removeEventListener('abort', end));
      return { status: response.statusCode, headers: response.headers, body: response.body };
    } catch (error) {
      signal?.removeEventListener('abort', end);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private late(): SideAwayError {
    return new SideAwayError(this.side, 'time-out', `no headers within ${this.timeoutMs} ms`);
  }

  private toSideAway(error: unknown, signal: AbortSignal | undefined): unknown {
    if (error instanceof SideAwayError || signal?.aborted) return error;
    const reason = reasonOf(error);
    return reason === undefined ? error : new SideAwayError(this.side, reason, String(error), { cause: error });
  }
}

function isBrokenConnection(error: unknown): boolean {
  return error instanceof errors.SocketError || codeOf(error) === 'ECONNRESET' || codeOf(error) === 'EPIPE';
}

/** Returns `undefined` for an error that is no failure of the network. */
function reasonOf(error: unknown): AwayReason | undefined {
  if (
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    error instanceof errors.ConnectTimeoutError
  )
    return 'time-out';
  if (error instanceof errors.HTTPParserError || error instanceof errors.ResponseContentLengthMismatchError)
    return 'bad-answer';
  if (error instanceof errors.UndiciError) return 'no-connection';
  const code = codeOf(error);
  return code !== undefined && /^(E[A-Z]+|HPE_\w+)$/.test(code) ? 'no-connection' : undefined;
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
