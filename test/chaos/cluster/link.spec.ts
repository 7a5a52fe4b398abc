import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Link, type LinkState } from './link.js';

/** Sends a text. Resolves to the next received text, or to `closed`. */
async function answer(socket: Socket, text?: string): Promise<string> {
  if (socket.destroyed) return 'closed';
  if (text !== undefined) socket.write(text);
  return new Promise((resolve) => {
    socket.once('data', (bytes) => resolve(String(bytes))).once('close', () => resolve('closed'));
  });
}

describe('a link to a server that echoes', () => {
  let echo: Server;
  let link: Link;
  let received: string;
  /** The server's ends of the connections, in their order. */
  let served: Socket[];
  let clients: Socket[];

  beforeEach(async () => {
    received = '';
    served = [];
    clients = [];
    echo = createServer((socket) => {
      served.push(socket.on('error', () => undefined));
      socket.on('data', (bytes) => {
        received += String(bytes);
        socket.write(bytes);
      });
    });
    await once(echo.listen(0, '127.0.0.1'), 'listening');
    link = await Link.to(portOfServer());
  });

  afterEach(async () => {
    for (const socket of [...served, ...clients]) socket.destroy();
    await link.close();
    echo.close();
  });

  const portOfServer = (): number => (echo.address() as AddressInfo).port;

  /** Resolves once it is connected, or rejected. */
  async function client(port = link.port): Promise<Socket> {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    clients.push(socket);
    await new Promise<unknown>((resolve) => void socket.once('connect', resolve).once('close', resolve));
    return socket;
  }

  /** Resolves once the server has answered a request that does not go over the link. */
  async function direct(): Promise<void> {
    await answer(await client(portOfServer()), 'direct');
  }

  it.each<[LinkState, string, string]>([
    [{ kind: 'open' }, 'a', 'a'],
    [{ kind: 'slow', delayMs: 20 }, 'a', 'a'],
    [{ kind: 'cut' }, 'closed', ''],
    [{ kind: 'unanswered' }, 'closed', 'a'],
  ])('that is %j answers %s, and the server has %j', async (state, expected, arrived) => {
    const socket = await client();
    link.set(state);
    expect(await answer(socket, 'a')).toBe(expected);
    expect(received).toBe(arrived);
    expect(link.disturbances > 0).toBe(state.kind !== 'open');
    link.open();
    expect(await answer(await client(), 'b')).toBe('b');
  });

  it('that is cut rejects new connections', async () => {
    link.set({ kind: 'cut' });
    expect(await answer(await client())).toBe('closed');
    expect(link.disturbances).toBe(1);
  });

  it('that is withheld drops the responses, and resets such connections once it is open', async () => {
    const socket = await client();
    link.set({ kind: 'withheld' });
    const after = answer(socket, 'a');
    while (link.disturbances === 0) await direct();
    link.open();
    expect(await after).toBe('closed');
    expect(await answer(await client(), 'b')).toBe('b');
  });

  it('that is silent holds all data and a close, on new connections too, until it is open again', async () => {
    const closing = await client();
    expect(await answer(closing, 'x')).toBe('x');
    const [serverSide] = served;
    const early = await client();
    link.set({ kind: 'silent' });
    const answers = [answer(closing), answer(early, 'a'), answer(await client(), 'b')];
    serverSide?.destroy();
    await direct();
    expect(received).toBe('xdirect');
    expect(closing.destroyed).toBe(false);
    link.open();
    expect(await Promise.all(answers)).toEqual(['closed', 'a', 'b']);
  });

  it('that was slow keeps the order of what it holds and what comes later', async () => {
    const socket = await client();
    link.set({ kind: 'slow', delayMs: 20 });
    socket.write('a');
    while (link.disturbances === 0) await direct();
    link.open();
    socket.write('b');
    let answered = '';
    while (answered.length < 2) answered += await answer(socket);
    expect(answered).toBe('ab');
  });
});
