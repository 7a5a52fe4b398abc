import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { systemClock } from '@orders-pipeline/clock';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { StartedApp } from '../support/started-app.js';
import { GuardedStack } from '../support/test-issuer.js';

/** More than the kernel buffers of a connection take. */
const ORDERS = 60_000;
const CALLERS = ['ann', 'bob', 'cyd', 'dan'];
/** The limits of the query API. */
const EXPORTS_PER_CALLER = 8;
const EXPORTS_IN_TOTAL = 32;
const EXPORT = '/v1/orders/export?format=ndjson';
/** A token is accepted for this long after it has expired. */
const LEEWAY_SECONDS = 30;

describe('clients of the query API that stop reading', () => {
  let stack: GuardedStack;
  let app: StartedApp;
  let sockets: Socket[];

  beforeAll(async () => {
    stack = await GuardedStack.start({});
    const token = await stack.issuer.token();
    const body = JSON.stringify({ count: ORDERS });
    const { id } = (await (await stack.request('/v1/populate', token, { method: 'POST', body })).json()) as {
      id: string;
    };
    await eventually('all orders are saved', async () => {
      const { saved } = (await (await stack.request(`/v1/operations/${id}`, token)).json()) as { saved: number };
      return saved === ORDERS || { saved };
    });
    sockets = [];
    app = await StartedApp.start('query-api', {
      MONGODB_URI: stack.pipeline.mongodbUri,
      AUTH_ISSUER: stack.issuer.url,
    });
    await eventually('it is ready', async () => (await app.readiness()).status === 200);
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  afterAll(async () => {
    await app.kill();
    await stack.end();
  });

  /** Sends a request, and reads nothing of the response but its first line. */
  async function begin(method: string, path: string, headers: Record<string, string>) {
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    socket.on('error', ({ message }) => expect(message).toContain('ECONNRESET'));
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${lines.join('')}\r\n`);
    return socket;
  }

  async function exportOf(sub: string, claims: object = {}): Promise<{ status: string; socket: Socket }> {
    const authorization = `Bearer ${await stack.issuer.token({ claims: { sub, ...claims } })}`;
    const socket = await begin('GET', EXPORT, { authorization });
    await once(socket, 'readable');
    return { status: String(socket.read(12)).slice(-3), socket };
  }

  async function openExports(): Promise<number> {
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    return Number(/^query_api_exports_open (\d+)$/m.exec(metrics)?.[1]);
  }

  /** Begins an export whose token expires some seconds later. On a busy machine it may expire before: then another one is tried. */
  async function exportWithTokenThatExpires(): Promise<Socket> {
    let begun: Socket | undefined;
    await eventually('an export has begun', async () => {
      const exp = Math.floor(systemClock.now() / 1_000) - LEEWAY_SECONDS + 4;
      const { status, socket } = await exportOf('ann', { exp });
      if (status === '200') begun = socket;
      return status === '200' || { status };
    });
    if (begun === undefined) throw new Error('no export has begun');
    return begun;
  }

  async function exportsOfAll(): Promise<string[]> {
    const statuses: string[] = [];
    for (const sub of CALLERS)
      for (let nth = 0; nth < EXPORTS_PER_CALLER; nth += 1) statuses.push((await exportOf(sub)).status);
    return statuses;
  }

  it('are cut, and give back their places, while others are answered', async () => {
    expect(new Set(await exportsOfAll())).toEqual(new Set(['200']));
    expect(await openExports()).toBe(EXPORTS_IN_TOTAL);
    expect((await exportOf('eve')).status).toBe('503');
    const authorization = `Bearer ${await stack.issuer.token({ claims: { sub: 'eve' } })}`;
    const others = new Set<number>();
    await eventually('all are cut', async () => {
      others.add((await fetch(`${app.url}/v1/orders?pageSize=10`, { headers: { authorization } })).status);
      const open = await openExports();
      return open === 0 || { open };
    });
    expect(others).toEqual(new Set([200]));
    expect((await exportOf('eve')).status).toBe('200');
  });

  it('are cut when their token expires, and can not take what they have for complete', async () => {
    const socket = await exportWithTokenThatExpires();
    await eventually('it is cut', async () => (await openExports()) === 0);
    socket.removeAllListeners('error').on('error', () => undefined);
    const received = await text(socket).catch((error: Error) => error.message);
    expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  it('do not delay a stop, nor do bodies that never end: exit code 0, after all shutdown hooks', async () => {
    await exportsOfAll();
    const authorization = `Bearer ${await stack.issuer.token()}`;
    await begin('POST', '/v1/orders/batch-get', {
      authorization,
      'content-type': 'application/json',
      'content-length': '9',
    });
    app.signal('SIGTERM');
    expect(await app.exitCode()).toBe(0);
    const cut = (reason: string): number => app.log.filter((line) => line['reason'] === reason).length;
    const byReason = { stalled: cut('stalled'), expired: cut('token-expired'), stopping: cut('stopping') };
    expect(byReason).toEqual({ stalled: EXPORTS_IN_TOTAL, expired: 1, stopping: EXPORTS_IN_TOTAL + 1 });
  });
});
