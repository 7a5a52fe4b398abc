import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { PipelineResponse } from '../../apps/console/src/pipeline/pipeline-response.js';

const PAGE = join(PROJECT_DIRECTORY, 'dist/apps/console/page');
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
};

/** A request that the page sent. */
export interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

/** An answer as JSON; `cut`: only its first characters, and then the connection breaks. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly body: unknown;
  readonly cut?: boolean;
}

type Handler = (request: SentRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

/**
 * An origin that serves the console's page and answers its requests as a test says. For states that a real pipeline reaches seldom or
 * slowly: empty, failing, cut, expired. The answers are typed by the services' own response types.
 */
export class ScriptedOrigin {
  readonly requests: SentRequest[] = [];
  private readonly handlers: { readonly route: string; readonly handler: Handler }[] = [];
  private readonly streams = new Set<ServerResponse>();
  private pipeline: PipelineResponse | undefined;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<ScriptedOrigin> {
    const server = createServer();
    const origin = new ScriptedOrigin(server);
    server.on('request', (request, response) => void origin.respond(request, response));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Forgets all answers and requests; the page reconnects. */
  reset(): void {
    this.handlers.length = 0;
    this.requests.length = 0;
    this.pipeline = undefined;
    for (const stream of this.streams) stream.destroy();
    this.streams.clear();
  }

  /** Answers requests whose method and path begin with `route`, such as `GET /v1/orders`. The latest matching answer wins. */
  on(route: string, answer: ScriptedAnswer | Handler): void {
    this.handlers.unshift({ route, handler: typeof answer === 'function' ? answer : () => answer });
  }

  /** Answers each of these routes with a body. */
  answer(bodies: Readonly<Record<string, unknown>>): void {
    for (const [route, body] of Object.entries(bodies)) this.on(route, { body });
  }

  /** Sends the state of the pipeline to each connected page, and to those that connect later. */
  show(pipeline: PipelineResponse): void {
    this.pipeline = pipeline;
    for (const stream of this.streams) send(stream, pipeline);
  }

  sent(route: string): SentRequest[] {
    return this.requests.filter(({ method, path }) => `${method} ${path}`.startsWith(route));
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/', headers } = request;
    if (!path.startsWith('/v1/') && !path.startsWith('/query-api/') && path !== '/page-settings.json') {
      await serveFile(new URL(path, this.url).pathname, response);
      return;
    }
    const body = await text(request);
    const sent: SentRequest = { method, path, headers, body: body === '' ? undefined : JSON.parse(body) };
    this.requests.push(sent);
    const found = this.handlers.find(({ route }) => `${method} ${path}`.startsWith(route));
    if (path === '/v1/pipeline/events' && found === undefined) this.stream(response);
    else
      respondWith(
        response,
        (await found?.handler(sent)) ?? { status: 404, body: { title: 'Not Found', code: 'not-found' } },
      );
  }

  private stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    this.streams.add(response);
    response.once('close', () => this.streams.delete(response));
    if (this.pipeline !== undefined) send(response, this.pipeline);
  }
}

function send(stream: ServerResponse, pipeline: PipelineResponse): void {
  stream.write(`event: pipeline\ndata: ${JSON.stringify(pipeline)}\n\n`);
}

function respondWith(response: ServerResponse, { status = 200, body, cut = false }: ScriptedAnswer): void {
  const json = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) });
  if (!cut) response.end(json);
  else response.write(json.slice(0, json.length / 2), () => response.destroy());
}

async function serveFile(path: string, response: ServerResponse): Promise<void> {
  const file = path === '/' ? 'index.html' : path.slice(1);
  response.setHeader('content-type', TYPES[file.split('.').at(-1) ?? ''] ?? 'text/plain');
  response.end(await readFile(join(PAGE, file)));
}
