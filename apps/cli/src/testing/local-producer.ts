import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A received request, without its body. */
export interface Arrival {
  readonly method: string;
  /** The path with the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** Answers one request; `at` counts the requests from 0. */
export type Answerer = (request: IncomingMessage, response: ServerResponse, at: number) => void | Promise<void>;

/** An HTTP server that acts as the producer in specs. */
export class LocalProducer {
  readonly arrivals: Arrival[] = [];

  private constructor(private readonly server: Server) {}

  static async start(answer: Answerer): Promise<LocalProducer> {
    const server = createServer();
    const producer = new LocalProducer(server);
    server.on('request', (request, response) => {
      const { method = '', url = '', headers } = request;
      producer.arrivals.push({ method, path: url, headers });
      const answered = async (): Promise<void> => answer(request, response, producer.arrivals.length - 1);
      answered().catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return producer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => void this.server.close(() => resolve()));
  }
}

/** Responds with JSON. */
export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Responds with problem details, as the services do. */
export function answerProblem(response: ServerResponse, status: number, code: string, rest: object = {}): void {
  response
    .writeHead(status, { 'content-type': 'application/problem+json' })
    .end(JSON.stringify({ type: `urn:orders:problem:${code}`, status, code, detail: `It is ${code}.`, ...rest }));
}

/** Reads the whole body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
