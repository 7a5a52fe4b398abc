import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { acceptedBytes, readSendQueues } from './transfer-limits.js';

const BYTES = 16 * 1024 * 1024;

describe('the bytes of a connection', () => {
  const server = createServer();
  let client: Socket;
  let accepted: Socket;

  beforeEach(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const accepting = once(server, 'connection') as Promise<[Socket]>;
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.pause();
    [accepted] = await accepting;
  });

  afterEach(async () => {
    client.destroy();
    accepted.destroy();
    server.close();
    await once(server, 'close');
  });

  it('are counted once the kernel has taken them, also in the middle of a chunk', async () => {
    accepted.write(Buffer.alloc(BYTES));
    const taken = acceptedBytes(accepted);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(BYTES);
    client.resume();
    await once(accepted, 'drain');
    expect(acceptedBytes(accepted)).toBe(BYTES);
  });

  it('wait in the send queue until the client has acknowledged them (Linux)', async () => {
    if (process.platform !== 'linux') return;
    const { localPort, remotePort } = accepted;
    accepted.write(Buffer.alloc(BYTES));
    const queued = await readSendQueues();
    expect(queued(accepted)).toBeGreaterThan(0);
    expect(queued(accepted)).toBeLessThanOrEqual(acceptedBytes(accepted));
    // The other direction of the same connection is empty.
    expect(queued({ localPort: remotePort, remotePort: localPort })).toBe(0);
    client.resume();
    while (client.bytesRead < BYTES) await once(client, 'data');
    expect((await readSendQueues())(accepted)).toBe(0);
  });
});
