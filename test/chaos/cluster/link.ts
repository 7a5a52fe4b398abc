import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Flow } from './flow.js';
import type { LinkState } from './link-state.js';

const OPEN: LinkState = { kind: 'open' };

interface Connection {
  readonly sockets: readonly Socket[];
  readonly flows: readonly Flow[];
  /** A response was dropped: the client can't use the connection any more. */
  hasLost: boolean;
}

/**
 * A TCP proxy on loopback between two processes, whose traffic can be disturbed. Own code, since existing proxies are separate programs.
 */
export class Link {
  private readonly connections = new Set<Connection>();
  private current: LinkState = OPEN;
  private disturbed = 0;

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
    /** The port to which clients connect. */
    readonly port: number,
  ) {}

  /** @param targetPort port of the server process */
  static async to(targetPort: number): Promise<Link> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const link = new Link(server, targetPort, (server.address() as AddressInfo).port);
    server.on('connection', (socket) => link.accept(socket));
    return link;
  }

  get state(): LinkState {
    return this.current;
  }

  /** Number of effects of disturbances: connections reset or rejected, and pieces delayed. */
  get disturbances(): number {
    return this.disturbed;
  }

  /** Sets the state, for existing connections too. */
  set(state: LinkState): void {
    this.current = state;
    if (state.kind === 'cut') this.resetAll();
    else {
      if (state.kind !== 'withheld') this.resetAll(({ hasLost }) => hasLost);
      for (const { flows } of this.connections) for (const flow of flows) flow.pump();
    }
  }

  open(): void {
    this.set(OPEN);
  }

  async close(): Promise<void> {
    this.resetAll();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket): void {
    if (this.current.kind === 'cut') {
      this.disturbed += 1;
      client.on('error', ignore);
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.targetPort, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [client, server]) socket.setNoDelay(true).on('error', ignore);
    const state = (): LinkState => this.current;
    const reset = (): void => this.reset(connection);
    const onHeld = (): void => void (this.disturbed += 1);
    const onDropped = (): void => {
      this.disturbed += 1;
      connection.hasLost = true;
    };
    const connection: Connection = {
      sockets: [client, server],
      hasLost: false,
      flows: [
        new Flow(client, server, { state, onHeld }),
        new Flow(server, client, { state, onHeld, onResponse: reset, onDropped }),
      ],
    };
    this.connections.add(connection);
    const gone = (): void => {
      if (connection.sockets.every(({ destroyed }) => destroyed)) this.connections.delete(connection);
    };
    for (const socket of connection.sockets) socket.once('close', gone);
  }

  private resetAll(which: (connection: Connection) => boolean = () => true): void {
    for (const connection of this.connections) if (which(connection)) this.reset(connection);
  }

  private reset({ sockets }: Connection): void {
    this.disturbed += 1;
    for (const socket of sockets) socket.resetAndDestroy();
  }
}

/** Connection errors are expected here: both ends see them by themselves. */
function ignore(): void {}
