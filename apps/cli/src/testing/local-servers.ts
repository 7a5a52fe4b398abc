import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { afterEach } from '@jest/globals';
import type { Clock } from '@orders-pipeline/clock';
import type { Operation } from '#api/producer.js';
import { anOperation } from '#orders/testing/an-operation.js';
import type { Credentials } from '../producer/access-token.js';
import { ProducerClient } from '../producer/producer-client.js';

/** A received request. */
interface Arrival {
  readonly method: string;
  /** The path with the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** A JSON body as it was sent; other bodies are left to the answer. */
  readonly body: string;
}

/** Answers one request; `at` counts the requests from 0. */
export type Answerer = (request: IncomingMessage, response: ServerResponse, at: number) => unknown;

/** An HTTP server that acts as the producer in specs. */
export class LocalProducer {
  readonly arrivals: Arrival[] = [];

  private constructor(private readonly server: Server) {}

  static async start(answer: Answerer): Promise<LocalProducer> {
    const server = createServer();
    const producer = new LocalProducer(server);
    const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const { method = '', url: path = '', headers } = request;
      const body = headers['content-type'] === 'application/json' ? await text(request) : '';
      producer.arrivals.push({ method, path, headers, body });
      await answer(request, response, producer.arrivals.length - 1);
    };
    server.on('request', (request, response) => {
      receive(request, response).catch((error: unknown) =>
        response.destroy(error instanceof Error ? error : undefined),
      );
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return producer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The received requests, such as `GET /v1/operations`. */
  get requests(): string[] {
    return this.arrivals.map(({ method, path }) => `${method} ${path}`);
  }

  /** The received values of a header. */
  headers(name: string): unknown[] {
    return this.arrivals.map(({ headers }) => headers[name]);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => void this.server.close(() => resolve()));
  }
}

/** Breaks the connection without a response. */
export const breaks: Answerer = ({ socket }) => socket.destroy();

/** Responds with JSON. */
export function json(body: unknown, status = 200): Answerer {
  return (_, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Responds with problem details, as the services do. */
export function problem(status: number, code: string, rest: object = {}): Answerer {
  const body = { type: `urn:orders:problem:${code}`, status, code, detail: `It is ${code}.`, ...rest };
  return (_, response) =>
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
}

/** Gives one answer after the other; the last one repeats. */
export function inTurn(...answers: readonly Answerer[]): Answerer {
  return async (request, response, at) => answers[Math.min(at, answers.length - 1)]?.(request, response, at);
}

/** Reads an uploaded form. @returns the field, the file name and the text of each part */
export async function formOf(request: IncomingMessage): Promise<[string, string, string][]> {
  const whole = await buffer(request);
  const headers = { 'content-type': request.headers['content-type'] ?? '' };
  const parts: [string, string, string][] = [];
  for (const [field, part] of await new Response(whole, { headers }).formData())
    if (typeof part === 'object') parts.push([field, part.name, await part.text()]);
  return parts;
}

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

export const OPERATION: Operation = anOperation();
export const SUCCEEDED: Operation = anOperation({
  status: 'succeeded',
  state: { code: 'allSaved', text: 'all saved' },
  acked: 1_000,
  saved: 1_000,
});

/** Formats one server-sent event with an operation. */
export function event(name: string, operation: Operation, id = name): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(operation)}\n\n`;
}

/** Sends these events, and ends the stream. */
export function events(...texts: readonly string[]): Answerer {
  return (_, response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).end(texts.join(''));
}

/** Sends these events, then breaks the connection. */
export function cutAfter(...texts: readonly string[]): Answerer {
  return (_, response) => response.writeHead(200).write(texts.join(''), () => response.socket?.destroy());
}

/** A client, and the producer that it sends to. */
interface ConnectedClient {
  readonly client: ProducerClient;
  readonly producer: LocalProducer;
  readonly clock: ImmediateClock;
}

/** Gives the specs of a file servers that stop after each of them. */
export function useServers() {
  const started: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map(async (server) => server.stop()));
  });
  const startProducer = async (answer: Answerer): Promise<LocalProducer> => {
    const producer = await LocalProducer.start(answer);
    started.push(producer);
    return producer;
  };
  return {
    startProducer,

    /** @param instead answers by path that replace the default ones */
    startIssuer: async (instead: Readonly<Record<string, Answerer>> = {}): Promise<LocalIssuer> => {
      const issuer = await LocalIssuer.start(instead);
      started.push(issuer);
      return issuer;
    },

    /** @param below the path of the producer */
    connect: async (answer: Answerer, credentials: Credentials = {}, below = ''): Promise<ConnectedClient> => {
      const producer = await startProducer(answer);
      const clock = new ImmediateClock();
      const client = new ProducerClient(`${producer.url}${below}`, { clock, random: () => 1 }, credentials);
      return { client, producer, clock };
    },
  };
}

/** A clock for specs with real connections: each wait takes one turn of the event loop and advances the clock by its duration. */
export class ImmediateClock implements Clock {
  /** The requested waits, in milliseconds. */
  readonly waits: number[] = [];
  private time = 0;

  now(): number {
    return this.time;
  }

  after(milliseconds: number, run: () => void): () => void {
    this.waits.push(milliseconds);
    const turn = setImmediate(() => {
      this.time += milliseconds;
      run();
    });
    return () => clearImmediate(turn);
  }
}
