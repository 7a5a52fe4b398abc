import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from './client.js';
import { followEvents } from './event-stream.js';
import type { Session } from './session.js';

describe('following events', () => {
  let server: Server;
  let end: AbortController;
  /** The answers to successive connections. */
  let answers: { status: number; events: string[] }[];
  const tokens: (string | undefined)[] = [];

  beforeEach(async () => {
    end = new AbortController();
    server = createServer((request, response) => {
      const { status, events } = answers.shift() ?? { status: 503, events: [] };
      tokens.push(request.headers.authorization);
      response.writeHead(status, { 'content-type': 'text/event-stream' });
      for (const event of events) response.write(`event: pipeline\ndata: ${event}\n\n`);
      response.end();
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(() => {
    end.abort();
    server.close();
  });

  it('reconnects after each break, reports the disconnection, and sends the token', async () => {
    answers = [
      { status: 200, events: ['1', '2'] },
      { status: 503, events: [] },
      { status: 200, events: ['3'] },
    ];
    const session = { token: 'mine', signOut: () => undefined } as unknown as Session;
    const received: (string | boolean)[] = [];
    const done = Promise.withResolvers<void>();
    const listener = {
      data: (text: string) => {
        received.push(text);
        if (text === '3') done.resolve();
      },
      connected: (isConnected: boolean) => void received.push(isConnected),
    };
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    void followEvents(new Client(session), url, listener, end.signal);
    await done.promise;
    expect(received).toEqual([true, '1', '2', false, false, true, '3']);
    expect(tokens).toEqual(['Bearer mine', 'Bearer mine', 'Bearer mine']);
  }, 20_000);

  it('reports the reason when the token is rejected', async () => {
    answers = [{ status: 403, events: [] }];
    const reasons: (string | null)[] = [];
    const session = {
      token: 'mine',
      signOut: (reason: string | null) => {
        reasons.push(reason);
        end.abort();
      },
    } as unknown as Session;
    const listener = { data: () => undefined, connected: () => undefined };
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await followEvents(new Client(session), url, listener, end.signal);
    expect(reasons).toEqual(['The service answered 403.']);
  });
});
