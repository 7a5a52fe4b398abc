import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { reconcile, parseReconciliation } from './reconciliation.js';

describe('the answer to a reconciliation', () => {
  it('is kept completely', () => {
    const answer = { verdict: 'holds', ordersPerSecond: 70_000.5, seconds: 12, missing: [] };
    expect(parseReconciliation(200, JSON.stringify(answer))).toEqual({ answer });
  });

  it.each([404, 501])('is reported as not available for status %d', (status) => {
    expect(parseReconciliation(status, '{"title":"…"}')).toEqual({ reason: 'not available' });
  });

  it('is a failure for another status, invalid JSON or an unexpected value', () => {
    expect(parseReconciliation(503, 'unavailable').reason).toBe('failed with 503: unavailable');
    expect(parseReconciliation(200, 'no JSON').reason).toMatch(/^failed: /);
    expect(parseReconciliation(200, '{"verdict":"perhaps"}').reason).toMatch(/^failed: .*verdict/s);
  });
});

describe('requesting a reconciliation', () => {
  let server: Server;

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Starts a producer with this listener. @returns its URL */
  async function producer(listener: RequestListener): Promise<string> {
    server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const never = new AbortController().signal;

  it('is a POST to the operation', async () => {
    const answer = { verdict: 'pending', ordersPerSecond: 1, seconds: 2 };
    const url = await producer(({ method, url: path }, response) => {
      const isRight = method === 'POST' && path === '/v1/operations/an-id/reconcile';
      response.writeHead(isRight ? 200 : 404).end(JSON.stringify(answer));
    });
    expect(await reconcile(url, 'an-id', never)).toEqual({ answer });
  });

  it('reports a closed connection as a failure', async () => {
    const url = await producer((request) => void request.destroy());
    expect((await reconcile(url, 'an-id', never)).reason).toMatch(/^failed: /);
  });

  it('rejects when the signal aborts', async () => {
    const interrupted = new AbortController();
    const url = await producer(() => interrupted.abort(new Error('ended by SIGINT')));
    await expect(reconcile(url, 'an-id', interrupted.signal)).rejects.toThrow('ended by SIGINT');
  });
});
