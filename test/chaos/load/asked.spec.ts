import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ask } from './asked.js';

describe('a service that is asked', () => {
  const heard: (string | undefined)[] = [];
  let server: Server;
  let url: string;

  beforeEach(async () => {
    heard.length = 0;
    server = createServer(({ headers }, response) => {
      heard.push(headers['content-type']);
      response.end('{"found":true}');
    });
    // As the services: a connection that is kept stays for longer than any test.
    server.keepAliveTimeout = 72_000;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('answers, and is left with no connection, however many have asked at once', async () => {
    const closed: Promise<unknown>[] = [];
    server.on('connection', (socket) => closed.push(once(socket, 'close')));
    const answers = await Promise.all(Array.from({ length: 20 }, async () => ask(url)));
    expect(answers).toEqual(answers.map(() => ({ status: 200, body: { found: true } })));
    await Promise.all(closed);
    expect(await promisify(server.getConnections.bind(server))()).toBe(0);
  });

  it('hears what is said beside the question', async () => {
    await ask(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
    expect(heard).toEqual(['application/json']);
  });
});
