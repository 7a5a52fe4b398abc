import { connect, type Socket } from 'node:net';

const EVERY_MS = 1_000;
/** More bytes than a client sends before the service refuses it. */
const ANNOUNCED_BYTES = 60_000;

/** Clients that begin a request with a JSON body and then send one byte a second. One that is refused connects again. */
export class SlowClients {
  private readonly sockets = new Set<Socket>();
  private readonly timer: NodeJS.Timeout;
  private isStopped = false;
  /** How often the service has ended a connection. */
  refused = 0;

  /** @param url of the service @param path takes a JSON body by POST */
  constructor(
    private readonly url: URL,
    private readonly path: string,
    count: number,
  ) {
    for (let nth = 0; nth < count; nth += 1) this.begin();
    this.timer = setInterval(() => {
      for (const socket of this.sockets) socket.write('[');
    }, EVERY_MS);
  }

  stop(): void {
    this.isStopped = true;
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
  }

  private begin(): void {
    const socket = connect(Number(this.url.port), this.url.hostname);
    this.sockets.add(socket);
    socket.write(
      `POST ${this.path} HTTP/1.1\r\nhost: ${this.url.host}\r\ncontent-type: application/json\r\ncontent-length: ${ANNOUNCED_BYTES}\r\n\r\n`,
    );
    // The service may reset the connection; `close` follows.
    socket.on('error', () => undefined).resume();
    socket.once('close', () => {
      this.sockets.delete(socket);
      if (this.isStopped) return;
      this.refused += 1;
      this.begin();
    });
  }
}
