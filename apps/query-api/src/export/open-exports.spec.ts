import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { exposeReadMetrics } from '../reading-metrics.js';
import { OpenExports } from './open-exports.js';

describe('open exports', () => {
  const exports = new OpenExports({ EXPORTS_PER_CALLER: 8, EXPORTS_IN_TOTAL: 32 });
  const caller = { caller: null, ip: '127.0.0.1' };
  const registry = new Registry();
  exposeReadMetrics(exports, { count: 0 }, registry);
  const server = createServer((_request, answer) => {
    hold(answer);
    answer.write('an order\n');
  });

  function hold(raw: ServerResponse): void {
    exports.hold(caller, { raw });
  }

  beforeEach(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });

  afterEach(async () => {
    server.close();
    await once(server, 'close');
  });

  /** Starts a client that reads, and returns both sides of its response. */
  async function reader(): Promise<{ reading: IncomingMessage; answer: ServerResponse }> {
    const requested = once(server, 'request') as Promise<[unknown, ServerResponse]>;
    const request = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false });
    const [reading] = (await once(request, 'response')) as [IncomingMessage];
    const [, answer] = await requested;
    return { reading, answer };
  }

  async function metricLine(): Promise<string | undefined> {
    return (await registry.metrics()).split('\n').find((line) => line.startsWith('query_api_exports_open '));
  }

  it('are counted until all data is sent', async () => {
    expect(await metricLine()).toBe('query_api_exports_open 0');
    const { reading, answer } = await reader();
    expect(await metricLine()).toBe('query_api_exports_open 1');
    const closed = once(answer, 'close');
    answer.end();
    reading.resume();
    await closed;
    expect(await metricLine()).toBe('query_api_exports_open 0');
  });

  it('are counted until the client disconnects, and not at all if it had disconnected before', async () => {
    const { reading, answer } = await reader();
    expect(exports.count).toBe(1);
    const closed = once(answer, 'close');
    reading.destroy();
    await closed;
    expect(exports.count).toBe(0);
    hold(answer);
    expect(exports.count).toBe(0);
  });
});
