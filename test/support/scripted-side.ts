import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request as a side got it. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query, decoded. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What a scripted side does with a request: an answer, or nothing at all. */
export type ScriptedAnswer =
  | {
      readonly status?: number;
      readonly type?: string;
      readonly body: string;
      /** Only the first half of the body, and then the connection breaks. */
      readonly cut?: boolean;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | 'hang'
  | 'disconnect';

type Handler = (request: ReceivedRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

/** An HTTP server that answers as a test says: for answers that a real side gives seldom, such as HTML, half of one, or none. */
export class ScriptedSide {
  readonly requests: ReceivedRequest[] = [];
  private readonly open = new Set<ServerResponse>();

  private constructor(
    private readonly server: Server,
    private handler: Handler,
  ) {}

  static async start(handler: Handler): Promise<ScriptedSide> {
    const server = createServer();
    const side = new ScriptedSide(server, handler);
    server.on('request', (request, response) => void side.respond(request, response));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return side;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Answers as the handler says from now on, and breaks off what hangs. */
  answer(handler: Handler): void {
    this.handler = handler;
    this.requests.length = 0;
    for (const response of this.open) response.destroy();
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.open.add(response);
    response.once('close', () => this.open.delete(response));
    const { method = '', url = '', headers } = request;
    const received = { method, path: decodeURIComponent(url), headers, body: await text(request) };
    this.requests.push(received);
    const answer = await this.handler(received);
    if (answer === 'hang') return;
    if (answer === 'disconnect') return void response.destroy();
    const { status = 200, type = 'application/json; charset=utf-8', body, cut = false, headers: own } = answer;
    const length = Buffer.byteLength(body);
    response.writeHead(status, { ...(type !== '' && { 'content-type': type }), 'content-length': length, ...own });
    if (cut) response.write(body.slice(0, body.length / 2), () => response.destroy());
    else response.end(body);
  }
}
