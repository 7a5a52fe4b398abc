import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { reconcile, reconciliationOf } from './reconciliation.js';

describe('the answer to a reconciliation', () => {
  it('is kept whole', () => {
    const answer = { verdict: 'holds', ordersPerSecond: 70_000.5, seconds: 12, missing: [] };
    expect(reconciliationOf(200, JSON.stringify(answer))).toEqual({ answer });
  });

  it.each([404, 501])('says that a producer can not do it that answers %d', (status) => {
    expect(reconciliationOf(status, '{"title":"…"}')).toEqual({ reason: 'not available' });
  });

  it('is a failure where it is another one, or no JSON, or says something else', () => {
    expect(reconciliationOf(503, 'away').reason).toBe('failed with 503: away');
    expect(reconciliationOf(200, 'hm').reason).toMatch(/^failed: /);
    expect(reconciliationOf(200, '{"verdict":"perhaps"}').reason).toMatch(/^failed: .*verdict/s);
  });
});

describe('asking for a reconciliation', () => {
  let server: Server;

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  /** A producer that answers so. @returns its address */
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

  it('tells a producer that hangs up as a failure', async () => {
    const url = await producer((request) => void request.destroy());
    expect((await reconcile(url, 'an-id', never)).reason).toMatch(/^failed: /);
  });

  it('ends when it is interrupted', async () => {
    const interrupted = new AbortController();
    const url = await producer(() => interrupted.abort(new Error('ended by SIGINT')));
    await expect(reconcile(url, 'an-id', interrupted.signal)).rejects.toThrow('ended by SIGINT');
  });
});
