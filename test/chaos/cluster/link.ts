import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * How a link treats its traffic.
 * - `open`: forwards everything
 * - `cut`: resets existing and new connections
 * - `slow`: delays every piece by `delayMs` and keeps the order
 * - `silent`: keeps and accepts connections but forwards nothing, not even a close; forwards everything once the link is open again, as
 *   after a pulled cable
 * - `withheld`: forwards requests and drops the responses, so that the client waits until its time-out; once the link is open again, it
 *   resets the connections that lost a response
 * - `unanswered`: forwards requests and resets the connection at the first byte of a response, so that the client can't know the outcome
 */
export type LinkState =
  | { readonly kind: 'open' | 'cut' | 'silent' | 'withheld' | 'unanswered' }
  | { readonly kind: 'slow'; readonly delayMs: number };

/** Number of held pieces at which the sender is paused. */
const MAX_HELD = 1_000;

/** One direction of a connection: forwards data from one socket to the other, in order, as the state of the link allows. */
class Flow {
  /** Each forwards a piece, and returns `false` if the other side accepts no more now. */
  private readonly held: { readonly dueAt: number; readonly pass: () => unknown }[] = [];
  private lastDue = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly link: Link,
    private readonly from: Socket,
    private readonly to: Socket,
    /** Whether the link drops the next bytes. */
    isDropped: () => boolean,
  ) {
    from.on('data', (bytes: Buffer) => this.take(() => isDropped() || to.write(bytes)));
    from.once('end', () => this.take(() => to.end()));
    // A socket that was reset has no `end` event before its close.
    from.once('close', () => this.take(() => to.destroySoon()));
    to.on('drain', () => this.pump());
  }

  /** Forwards the pieces that may pass now. The link calls it after a change of its state. */
  pump(): void {
    clearTimeout(this.timer);
    for (let [piece] = this.held; piece !== undefined; [piece] = this.held) {
      if (this.link.state.kind === 'silent') return;
      const waitMs = piece.dueAt - performance.now();
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.pump(), waitMs);
        return;
      }
      this.held.shift();
      if (!this.to.destroyed && piece.pass() === false) return;
    }
    this.from.resume();
  }

  private take(pass: () => unknown): void {
    const { state } = this.link;
    if (state.kind === 'slow' || state.kind === 'silent') this.link.disturbances += 1;
    // A piece that arrives after the link was slow must not overtake the delayed ones.
    this.lastDue = Math.max(this.lastDue, performance.now() + (state.kind === 'slow' ? state.delayMs : 0));
    this.held.push({ dueAt: this.lastDue, pass });
    if (this.held.length > MAX_HELD) this.from.pause();
    this.pump();
  }
}

interface Connection {
  readonly sockets: readonly [client: Socket, server: Socket];
  readonly flows: readonly Flow[];
  /** A response was dropped: the client can't use the connection any more. */
  hasLost: boolean;
}

/**
 * A TCP proxy on loopback between two processes, whose traffic can be disturbed. Own code, since existing proxies are separate programs.
 */
export class Link {
  /** Number of effects of disturbances: connections reset or rejected, and pieces delayed or dropped. */
  disturbances = 0;
  private readonly connections = new Set<Connection>();
  private current: LinkState = { kind: 'open' };

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
    /** The port to which clients connect. */
    readonly port: number,
  ) {}

  /** @param targetPort port of the server process */
  static async to(targetPort: number): Promise<Link> {
    const server = createServer({ allowHalfOpen: true });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const link = new Link(server, targetPort, (server.address() as AddressInfo).port);
    server.on('connection', (socket) => link.accept(socket));
    return link;
  }

  get state(): LinkState {
    return this.current;
  }

  /** Sets the state, for existing connections too. */
  set(state: LinkState): void {
    this.current = state;
    for (const connection of this.connections) {
      if (state.kind === 'cut' || (connection.hasLost && state.kind !== 'withheld')) this.reset(connection);
      else for (const flow of connection.flows) flow.pump();
    }
  }

  open(): void {
    this.set({ kind: 'open' });
  }

  async close(): Promise<void> {
    for (const connection of this.connections) this.reset(connection);
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket): void {
    // Both ends see errors of the connection by themselves.
    client.on('error', () => undefined);
    if (this.current.kind === 'cut') {
      this.disturbances += 1;
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.targetPort, host: '127.0.0.1', allowHalfOpen: true });
    server.on('error', () => undefined);
    const requests = new Flow(this, client, server, () => false);
    const responses = new Flow(this, server, client, () => this.drops(connection));
    const connection: Connection = { sockets: [client, server], flows: [requests, responses], hasLost: false };
    this.connections.add(connection);
    for (const socket of connection.sockets)
      socket.setNoDelay(true).once('close', () => {
        if (connection.sockets.every(({ destroyed }) => destroyed)) this.connections.delete(connection);
      });
  }

  private drops(connection: Connection): boolean {
    const { kind } = this.current;
    if (kind === 'unanswered') this.reset(connection);
    if (kind !== 'withheld') return kind === 'unanswered';
    this.disturbances += 1;
    connection.hasLost = true;
    return true;
  }

  private reset({ sockets }: Connection): void {
    this.disturbances += 1;
    for (const socket of sockets) socket.resetAndDestroy();
  }
}

/** A link with the names of its client and its server. */
export interface NamedLink {
  readonly from: string;
  readonly to: string;
  readonly link: Link;
}

/** Client name of a server's peers, the other nodes of its kind, which share one link to it. */
export const PEERS = 'peers';

/** All links of a system, such as one from each app to each server. */
export class Links {
  private readonly all: NamedLink[] = [];

  /** @param port port on which `to` listens @returns the port to which `from` connects */
  async add(from: string, to: string, port: number): Promise<number> {
    const link = await Link.to(port);
    this.all.push({ from, to, link });
    return link.port;
  }

  /** Finds links by client, by server, or by both. */
  where({ from, to }: Partial<Pick<NamedLink, 'from' | 'to'>>): readonly NamedLink[] {
    return this.all.filter((each) => (from ?? each.from) === each.from && (to ?? each.to) === each.to);
  }

  openAll(): void {
    for (const { link } of this.all) link.open();
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map(async ({ link }) => link.close()));
  }
}
