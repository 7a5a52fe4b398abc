import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';

/** A received request. */
export interface Arrival {
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
