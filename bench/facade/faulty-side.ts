import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a side does wrong: every answer is a 500, comes never, or has another symbol than the saved order. */
export const SIDE_FAULTS = ['fails', 'hangs', 'differs'] as const;
export type SideFault = (typeof SIDE_FAULTS)[number];

/** A symbol that no order has. */
export const WRONG_SYMBOL = 'WRONG';

/** Stands before the query API, and passes everything on until a fault is planted. */
export class FaultySide {
  /** The fault of all requests from now on. */
  fault: SideFault | undefined;

  private constructor(
    private readonly server: Server,
    private readonly target: string,
  ) {}

  static async before(target: string): Promise<FaultySide> {
    const server = createServer();
    const side = new FaultySide(server, target);
    server.on('request', (request, response) => {
      side.respond(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return side;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Ends all connections, also those that hang. */
  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    const sent = await text(request);
    if (this.fault === 'hangs') return;
    if (this.fault === 'fails') return void response.writeHead(500).end();
    const type = headers['content-type'];
    const answer = await fetch(`${this.target}${url}`, {
      method,
      ...(type !== undefined && { headers: { 'content-type': type } }),
      ...(sent !== '' && { body: sent }),
    });
    const body = await answer.text();
    const given = this.fault === 'differs' ? body.replaceAll(/"symbol":"[^"]+"/g, `"symbol":"${WRONG_SYMBOL}"`) : body;
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(given);
  }
}
