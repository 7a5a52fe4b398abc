import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../dev/machine/ports.js';

/** A port that leads to a server only after `open`. Before, and after `close`, it refuses connections. */
export class Relay {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;

  private constructor(
    readonly port: number,
    private readonly target: { readonly hostname: string; readonly port: number },
  ) {}

  /** @param address `host:port` of the server */
  static async to(address: string): Promise<Relay> {
    const [hostname = '', port] = address.split(':');
    return new Relay(await freePort(), { hostname, port: Number(port) });
  }

  async open(): Promise<void> {
    this.server = createServer((socket) => {
      const server = connect(this.target.port, this.target.hostname);
      socket.pipe(server).pipe(socket);
      for (const each of [socket, server]) {
        this.sockets.add(each);
        each.on('error', () => socket.destroy());
      }
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  close(): void {
    this.server?.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
