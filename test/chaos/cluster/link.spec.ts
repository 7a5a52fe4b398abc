import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import { Link } from './link.js';

/** Resolves to the next received text, or to `closed`. */
async function next(socket: Socket): Promise<string> {
  const data = once(socket, 'data').then(
    ([bytes]) => String(bytes),
    // A reset emits an error before the close.
    () => 'closed',
  );
  return Promise.race([
    data,
    once(socket, 'close').then(
      () => 'closed',
      () => 'closed',
    ),
  ]);
}

describe('a link', () => {
  let echo: Server;
  let link: Link;
  let received: string;
  const clients: Socket[] = [];

  beforeEach(async () => {
    received = '';
    echo = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        received += bytes.toString();
        socket.write(bytes);
      });
    });
    await new Promise<void>((resolve) => void echo.listen(0, '127.0.0.1', resolve));
    link = await Link.to((echo.address() as AddressInfo).port);
  });

  afterEach(async () => {
    for (const socket of clients.splice(0)) socket.destroy();
    await link.close();
    await new Promise((resolve) => echo.close(resolve));
  });

  async function client(): Promise<Socket> {
    const socket = connect(link.port, '127.0.0.1');
    clients.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  it('forwards both ways', async () => {
    const socket = await client();
    socket.write('a');
    expect(await next(socket)).toBe('a');
    const closed = once(socket, 'close');
    socket.end();
    await closed;
  });

  it('that is cut resets existing and new connections', async () => {
    const socket = await client();
    link.set({ kind: 'cut' });
    expect(await next(socket)).toBe('closed');
    const other = connect(link.port, '127.0.0.1');
    clients.push(other);
    other.on('error', () => undefined);
    expect(await next(other)).toBe('closed');
    link.open();
    const again = await client();
    again.write('b');
    expect(await next(again)).toBe('b');
  });

  it('that is withheld forwards requests, drops the responses, and resets such connections once it is open', async () => {
    const socket = await client();
    link.set({ kind: 'withheld' });
    socket.write('a');
    await eventually('the server has the request', () => received === 'a');
    const after = next(socket);
    await eventually('the response was dropped', () => link.disturbances > 0);
    link.open();
    expect(await after).toBe('closed');
    const again = await client();
    again.write('b');
    expect(await next(again)).toBe('b');
  });

  it('that is slow delays both directions', async () => {
    const socket = await client();
    link.set({ kind: 'slow', delayMs: 40 });
    const startedAt = performance.now();
    socket.write('a');
    expect(await next(socket)).toBe('a');
    expect(performance.now() - startedAt).toBeGreaterThan(75);
  });

  it('that is silent holds all data, on new connections too, until it is open again', async () => {
    const socket = await client();
    link.set({ kind: 'silent' });
    socket.write('a');
    const late = await client();
    late.write('b');
    const [answer, lateAnswer] = [next(socket), next(late)];
    await new Promise((resolve) => setImmediate(resolve));
    expect(received).toBe('');
    link.open();
    expect(await answer).toBe('a');
    expect(await lateAnswer).toBe('b');
  });

  it('that is silent does not forward a close until it is open again', async () => {
    const serverSide = once(echo, 'connection').then(([socket]) => socket as Socket);
    const socket = await client();
    socket.write('a');
    await next(socket);
    let isClosed = false;
    const closed = once(socket, 'close').then(() => (isClosed = true));
    link.set({ kind: 'silent' });
    (await serverSide).destroy();
    // A direct request has its response by then.
    const direct = connect((echo.address() as AddressInfo).port, '127.0.0.1');
    clients.push(direct);
    direct.write('b');
    await next(direct);
    expect(isClosed).toBe(false);
    link.open();
    await closed;
    expect(isClosed).toBe(true);
  });

  it('that is unanswered forwards the request and resets at the response', async () => {
    const socket = await client();
    link.set({ kind: 'unanswered' });
    socket.write('a');
    expect(await next(socket)).toBe('closed');
    expect(received).toBe('a');
  });

  it('counts only disturbances that had an effect', async () => {
    link.set({ kind: 'cut' });
    link.set({ kind: 'silent' });
    link.open();
    const socket = await client();
    socket.write('a');
    await next(socket);
    expect(link.disturbances).toBe(0);
    link.set({ kind: 'slow', delayMs: 1 });
    socket.write('b');
    await next(socket);
    const held = link.disturbances;
    expect(held).toBeGreaterThan(0);
    link.set({ kind: 'cut' });
    expect(link.disturbances).toBe(held + 1);
    const refused = connect(link.port, '127.0.0.1').on('error', () => undefined);
    clients.push(refused);
    await new Promise((resolve) => void refused.once('close', resolve));
    expect(link.disturbances).toBe(held + 2);
  });
});
