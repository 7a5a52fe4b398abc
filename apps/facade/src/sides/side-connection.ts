import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { errors, Pool, type Dispatcher } from 'undici';
import type { Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { type SideName, SideUnavailableError, type UnavailableReason } from './side.js';
import { inTrace } from '#service/telemetry/tracing.js';

/** Headers of one connection only (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Headers that the facade sets or checks itself. It asks for no encoding, because it compares the bodies. It has checked a web page's
 * `origin`, and it answers conditional requests: the next answer may come from the other side.
 */
const OWN_REQUEST_HEADERS = new Set([
  'accept-encoding',
  'content-length',
  'expect',
  'host',
  'if-none-match',
  'if-modified-since',
  'origin',
  'x-api-key',
]);

/**
 * Returns the target of a forwarded request: a path of the facade's own routes, with the query as it was sent. The target that a client has
 * sent can be a whole URL (RFC 9112, section 3.2.2), whose host would choose another system behind a proxy that several share.
 */
export function forwardedTarget(path: string, { url = '' }: IncomingMessage): string {
  const at = url.indexOf('?');
  return at === -1 ? path : path + url.slice(at);
}

type Headers = Record<string, string | string[]>;

/** @param isAuthorized the `authorization` header was the facade's own; the legacy system must not see it */
export function requestHeadersFor(headers: IncomingHttpHeaders, isAuthorized: boolean): Headers {
  return without(
    headers,
    (name) => HOP_BY_HOP.has(name) || OWN_REQUEST_HEADERS.has(name) || (isAuthorized && name === 'authorization'),
  );
}

/** Returns the headers of a response that belong to it, not to the connection on which it came. */
export function responseHeadersOf(headers: IncomingHttpHeaders): Headers {
  return without(headers, (name) => HOP_BY_HOP.has(name));
}

function without(headers: IncomingHttpHeaders, isLeftOut: (name: string) => boolean): Headers {
  const named = new Set(headers.connection?.split(',').map((name) => name.trim().toLowerCase()));
  const kept: Headers = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !isLeftOut(name) && !named.has(name)) kept[name] = value;
  return kept;
}

/** Without an answer to this many requests in a row, a side counts as unavailable. */
const FAILURES_TO_OPEN = 10;
/** How long after the breaker opened, and after a failed probe, the side is probed. */
const PROBE_AFTER_MS = 500;

interface BreakerOptions {
  readonly side: SideName;
  /** Requests at a time; more are rejected at once. */
  readonly maxRunning: number;
  /** Asks the side for anything. @throws Error if there is no answer */
  readonly probe: () => Promise<unknown>;
  readonly clock: Clock;
}

/**
 * Stops sending requests to an unavailable side: a client then gets its 503 at once instead of after a time-out. Answers of any status are
 * successes: the side is there.
 *
 * While it is open, it probes the side itself. Otherwise it would stay open for as long as there is no request, and the first request
 * after a change of stage would fail although its side has long been back.
 */
export class Breaker {
  /** Requests without an answer, in a row. */
  private failures = 0;
  private running = 0;
  private isEnded = false;
  private cancelProbe: (() => void) | undefined;

  constructor(private readonly options: BreakerOptions) {}

  /** Ends the probes. */
  close(): void {
    this.isEnded = true;
    this.cancelProbe?.();
  }

  get isOpen(): boolean {
    return this.failures >= FAILURES_TO_OPEN;
  }

  /** @throws SideUnavailableError `breaker-open` or `overloaded` without running the work, and the work's own errors */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const { side, maxRunning } = this.options;
    if (this.isOpen)
      throw new SideUnavailableError(side, 'breaker-open', `it did not answer ${FAILURES_TO_OPEN} requests in a row`);
    if (this.running >= maxRunning)
      throw new SideUnavailableError(side, 'overloaded', `${maxRunning} requests are waiting for it already`);
    this.running += 1;
    try {
      const answer = await work();
      // Once it is open, only a probe closes it.
      if (!this.isOpen) this.failures = 0;
      return answer;
    } catch (error) {
      if (error instanceof SideUnavailableError) this.fail();
      throw error;
    } finally {
      this.running -= 1;
    }
  }

  private fail(): void {
    if (this.isOpen) return;
    this.failures += 1;
    if (this.isOpen) this.probeLater();
  }

  private probeLater(): void {
    if (this.isEnded) return;
    const probe = (): void =>
      void this.options.probe().then(
        () => (this.failures = 0),
        () => this.probeLater(),
      );
    // Not in the trace of the request that failed first: the probes go on for as long as the side is away.
    this.cancelProbe = inTrace(undefined, () => this.options.clock.after(PROBE_AFTER_MS, probe));
  }
}

interface ConnectionOptions {
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

/** Returns the body of a whole response as text. */
export function textOf({ bytes }: { readonly bytes: Uint8Array }): string {
  return new TextDecoder().decode(bytes);
}

const CONNECT_MS = timeLimit(1_000);
/** Besides the running requests, half as many wait for a connection. */
const RUNNING_AND_WAITING = 1.5;

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
      probe: async () => this.probe(),
      clock,
    });
  }

  get isBreakerOpen(): boolean {
    return this.breaker.isOpen;
  }

  /**
   * Sends a request. A GET is repeated once if its connection broke before the headers, such as when the side restarts.
   * @param read reads the response; an error on its way counts for the breaker too
   * @throws SideUnavailableError if there is no answer; the signal's reason if it is aborted
   */
  async request<T>(request: SideRequest, read: (response: SideResponse) => T | Promise<T>): Promise<T> {
    return this.breaker.run(async () => {
      try {
        return await read(await this.send(request));
      } catch (error) {
        const failure = this.toSideUnavailable(error, request.signal);
        if (failure instanceof SideUnavailableError && request.method === 'GET') this.unanswered = request.path;
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
      throw this.toSideUnavailable(error, undefined);
    }
  }

  private async readWhole(body: SideResponse['body'], maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) throw new SideUnavailableError(this.side, 'bad-answer', `more than ${maxBytes} bytes`);
    }
    return joined(chunks);
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

  private late(): SideUnavailableError {
    return new SideUnavailableError(this.side, 'time-out', `no headers within ${this.timeoutMs} ms`);
  }

  private toSideUnavailable(error: unknown, signal: AbortSignal | undefined): unknown {
    if (error instanceof SideUnavailableError || signal?.aborted) return error;
    const reason = reasonOf(error);
    return reason === undefined ? error : new SideUnavailableError(this.side, reason, String(error), { cause: error });
  }
}

/** Joins the pieces of a body. The result has its own memory, so that a worker thread can take it over. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function isBrokenConnection(error: unknown): boolean {
  return error instanceof errors.SocketError || codeOf(error) === 'ECONNRESET' || codeOf(error) === 'EPIPE';
}

/** Returns `undefined` for an error that is no failure of the network. */
function reasonOf(error: unknown): UnavailableReason | undefined {
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
