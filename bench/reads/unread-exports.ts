import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { pause, systemClock } from '@orders-pipeline/clock';
import type { HttpServer } from './http-server.js';

const CALLERS = 4;
/** The limit of one caller. */
const EXPORTS_PER_CALLER = 8;
const IDLE_CHECK_MS = 1_000;
const IDLE_CPU_SECONDS = 0.1;
const PATH = '/v1/orders/export?format=ndjson';

/** Clients that begin an export and read nothing of it. */
export class UnreadExports {
  private constructor(
    private readonly server: HttpServer,
    private readonly sockets: readonly Socket[],
  ) {}

  /** @param server trusts this machine as a proxy: it then counts the callers by their forwarded addresses */
  static async begin(server: HttpServer): Promise<UnreadExports> {
    const { hostname, port } = new URL(server.url);
    const sockets = Array.from({ length: CALLERS * EXPORTS_PER_CALLER }, (_, nth) => {
      const socket = connect(Number(port), hostname);
      const caller = `192.0.2.${1 + (nth % CALLERS)}`;
      // The service resets the connection; this client notices it at its end.
      socket.on('error', () => undefined);
      socket.write(`GET ${PATH} HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: ${caller}\r\n\r\n`);
      return socket;
    });
    await Promise.all(sockets.map(async (socket) => once(socket, 'readable')));
    await untilIdle(server);
    return new UnreadExports(server, sockets);
  }

  /** Ends the clients, and says how many exports the service has cut before. */
  async end(): Promise<string> {
    const open = /^query_api_exports_open (\d+)$/m.exec(await this.server.text('/metrics'))?.[1];
    for (const socket of this.sockets) socket.destroy();
    return `${this.sockets.length - Number(open)} of ${this.sockets.length} exports were cut`;
  }
}

/** Waits until the service has filled the buffers of the kernel with the exports, and works no more. */
async function untilIdle(server: HttpServer): Promise<void> {
  for (let before = Number.NEGATIVE_INFINITY; ;) {
    const { cpuSeconds } = await server.figures();
    if (cpuSeconds - before < IDLE_CPU_SECONDS) return;
    before = cpuSeconds;
    await pause(systemClock, IDLE_CHECK_MS);
  }
}
