import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { requestJson } from './api-response.js';

describe('a JSON request', () => {
  const contentTypes: (string | undefined)[] = [];
  let server: Server;
  let url: string;

  beforeEach(async () => {
    contentTypes.length = 0;
    server = createServer(({ headers }, response) => {
      contentTypes.push(headers['content-type']);
      response.end('{"found":true}');
    });
    // As in the services: a kept-alive connection outlasts every test.
    server.keepAliveTimeout = 72_000;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('leaves no connection open, even after concurrent requests', async () => {
    const closed: Promise<unknown>[] = [];
    server.on('connection', (socket) => closed.push(once(socket, 'close')));
    const answers = await Promise.all(Array.from({ length: 20 }, async () => requestJson(url)));
    expect(answers).toEqual(answers.map(() => ({ status: 200, body: { found: true } })));
    await Promise.all(closed);
    expect(await promisify(server.getConnections.bind(server))()).toBe(0);
  });

  it('sends the given headers', async () => {
    await requestJson(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
    expect(contentTypes).toEqual(['application/json']);
  });
});
