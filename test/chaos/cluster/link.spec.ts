import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Flow } from './flow.js';
import type { LinkState } from './link-state.js';
import { Link } from './link.js';

/** A server that echoes, behind a link. */
class Linked {
  received = '';
  /** The server's ends of the connections, in their order. */
  readonly served: Socket[] = [];
  private readonly clients: Socket[] = [];

  private constructor(
    private readonly echo: Server,
    readonly link: Link,
  ) {
    echo.on('connection', (socket) => {
      this.served.push(socket.on('error', () => undefined));
      socket.on('data', (bytes) => {
        this.received += bytes.toString();
        socket.write(bytes);
      });
    });
  }

  static async start(): Promise<Linked> {
    const echo = createServer();
    await new Promise<void>((resolve) => void echo.listen(0, '127.0.0.1', resolve));
    return new Linked(echo, await Link.to((echo.address() as AddressInfo).port));
  }

  /** Connects over the link. Resolves once it is connected, or rejected. */
  async client(): Promise<Socket> {
    return this.connected(this.link.port);
  }

  /** Resolves once the server has answered a request that does not go over the link. */
  async direct(): Promise<void> {
    const socket = await this.connected((this.echo.address() as AddressInfo).port);
    await answer(socket, 'direct');
  }

  async close(): Promise<void> {
    for (const socket of [...this.clients, ...this.served]) socket.destroy();
    await this.link.close();
    await new Promise((resolve) => this.echo.close(resolve));
  }

  private async connected(port: number): Promise<Socket> {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    this.clients.push(socket);
    await new Promise<unknown>((resolve) => void socket.once('connect', resolve).once('close', resolve));
    return socket;
  }
}

/** Sends a text. Resolves to the next received text, or to `closed`. */
async function answer(socket: Socket, text?: string): Promise<string> {
  if (text !== undefined) socket.write(text);
  const closed = new Promise<string>((resolve) => void socket.once('close', () => resolve('closed')));
  const data = new Promise<string>((resolve) => void socket.once('data', (bytes) => resolve(String(bytes))));
  return socket.destroyed ? 'closed' : Promise.race([data, closed]);
}

/** A stream with the socket methods that a flow uses. */
function endOfFlow(): Socket & PassThrough {
  return new PassThrough() as unknown as Socket & PassThrough;
}

describe('a link', () => {
  let linked: Linked;

  beforeEach(async () => {
    linked = await Linked.start();
  });
  afterEach(async () => linked.close());

  it.each<[LinkState, string, string]>([
    [{ kind: 'open' }, 'a', 'a'],
    [{ kind: 'slow', delayMs: 20 }, 'a', 'a'],
    [{ kind: 'cut' }, 'closed', ''],
    [{ kind: 'unanswered' }, 'closed', 'a'],
  ])('that is %j answers %s, and the server has %j', async (state, expected, received) => {
    const socket = await linked.client();
    linked.link.set(state);
    expect(await answer(socket, 'a')).toBe(expected);
    expect(linked.received).toBe(received);
    expect(linked.link.disturbances > 0).toBe(state.kind !== 'open');
    linked.link.open();
    expect(await answer(await linked.client(), 'b')).toBe('b');
  });

  it('that is cut rejects new connections', async () => {
    linked.link.set({ kind: 'cut' });
    expect(await answer(await linked.client())).toBe('closed');
    expect(linked.link.disturbances).toBe(1);
  });

  it('that is withheld drops the responses, and resets such connections once it is open', async () => {
    const socket = await linked.client();
    linked.link.set({ kind: 'withheld' });
    const after = answer(socket, 'a');
    while (linked.link.disturbances === 0) await linked.direct();
    linked.link.open();
    expect(await after).toBe('closed');
    expect(await answer(await linked.client(), 'b')).toBe('b');
  });

  it('that is silent holds all data and a close, on new connections too, until it is open again', async () => {
    const [closing, early] = [await linked.client(), await linked.client()];
    expect(await answer(closing, 'x')).toBe('x');
    const serverSide = linked.served[0];
    linked.link.set({ kind: 'silent' });
    const late = await linked.client();
    const answers = [answer(closing), answer(early, 'a'), answer(late, 'b')];
    serverSide?.destroy();
    await linked.direct();
    expect(linked.received).toBe('xdirect');
    expect(closing.destroyed).toBe(false);
    linked.link.open();
    expect(await Promise.all(answers)).toEqual(['closed', 'a', 'b']);
  });
});

describe('one direction of a slow link', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] }));
  afterEach(() => void jest.useRealTimers());

  it('holds what arrives, and keeps its order when the link becomes fast again', async () => {
    const [from, to] = [endOfFlow(), endOfFlow()];
    let state: LinkState = { kind: 'slow', delayMs: 20 };
    const flow = new Flow(from, to, { state: () => state });
    const send = async (bytes: string): Promise<void> => {
      const arrived = once(from, 'data');
      from.write(bytes);
      await arrived;
    };
    await send('a');
    state = { kind: 'open' };
    flow.pump();
    await send('b');
    jest.advanceTimersByTime(19);
    expect(to.read()).toBeNull();
    jest.advanceTimersByTime(1);
    expect(String(to.read())).toBe('ab');
  });
});
