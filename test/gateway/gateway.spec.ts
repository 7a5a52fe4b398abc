import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { generate } from 'selfsigned';
import { lockCache, provideCaddy } from '../compose/images.js';
import { betweenTries, eventually, fetchLimit } from '../support/eventually.js';
import { freePort } from '../../dev/machine/ports.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';

const CONFIG = join(PROJECT_DIRECTORY, 'deploy/swarm/Caddyfile');

/** The gateway of the stack on this machine: the real Caddyfile, with other addresses and certificates. */
class RunningGateway {
  private constructor(
    private readonly child: ChildProcess,
    private readonly directory: string,
    readonly port: number,
  ) {}

  /**
   * @param caddy the program
   * @param servicePort the port on loopback of all services
   * @param changes texts of the Caddyfile to replace, such as a time-out
   */
  static async start(
    caddy: string,
    servicePort: number,
    changes: Readonly<Record<string, string>> = {},
  ): Promise<RunningGateway> {
    const directory = await mkdtemp(join(tmpdir(), 'orders-gateway-'));
    const ports = { 8443: await freePort(), 8444: await freePort(), 2020: await freePort() };
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }]);
    await writeFile(join(directory, 'gateway-certificate'), cert);
    await writeFile(join(directory, 'gateway-key'), key);
    let config = (await readFile(CONFIG, 'utf8'))
      .replaceAll(/import (service|task) [a-z-]+ \d+/g, `import $1 127.0.0.1 ${servicePort}`)
      .replaceAll('/run/secrets', directory)
      .replaceAll(/:(8443|8444|2020)\b/g, (_, port: keyof typeof ports) => `:${ports[port]}`);
    for (const [part, by] of Object.entries(changes)) {
      if (!config.includes(part)) throw new Error(`the Caddyfile has no ${part}`);
      config = config.replaceAll(part, by);
    }
    await writeFile(join(directory, 'Caddyfile'), config);
    const child = spawn(caddy, ['run', '--config', join(directory, 'Caddyfile'), '--adapter', 'caddyfile'], {
      env: { PATH: process.env['PATH'], HOME: directory, IMPORT_MAX_BYTES: '1000000000' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    child.stderr?.on('data', (chunk) => (log += String(chunk)));
    // Caddy starts its servers in any order: the one that answers this may be the first.
    await eventually('the gateway is ready', async () => {
      if (child.exitCode !== null) throw new Error(`The gateway ended: ${log}`);
      const isReady = fetch(`http://127.0.0.1:${ports[2020]}/ready`).then(({ ok }) => ok);
      return Promise.all([isReady, accepts(ports[8443])]).then(
        ([answer]) => answer,
        () => ({ log }),
      );
    });
    return new RunningGateway(child, directory, ports[8443]);
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** @throws Error if no server listens on the port */
async function accepts(port: number): Promise<void> {
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}

/** The connections to a task for requests that it answers at once. */
const POOL = 256;
/** More than all places of a service: event streams, reads that wait, exports, imports and reconciliations. */
const LONG_REQUESTS = 1_100;
const PAGE = Buffer.alloc(500_000, ' ');
const UNREAD_PAGES = 32;

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`;
}

describe('the gateway of the stack', () => {
  let caddy: string;
  let service: Server;
  let gateway: RunningGateway;
  let sockets: TLSSocket[];
  /** The requests that the service has received, with their responses, by path. */
  let received: Map<string, { request: IncomingMessage; response: ServerResponse }[]>;

  beforeAll(async () => {
    const lock = await lockCache();
    caddy = join(await provideCaddy(fetchLimit()), 'caddy');
    lock.release();
  });

  beforeEach(async () => {
    sockets = [];
    received = new Map();
    service = createServer({ keepAliveTimeout: 600_000 }, answer);
    await once(service.listen(0, '127.0.0.1'), 'listening');
    gateway = await RunningGateway.start(caddy, servicePort());
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await gateway.stop();
    service.closeAllConnections();
    service.close();
  });

  /** Starts the gateway again. @param changes of its configuration */
  async function restart(changes: Readonly<Record<string, string>>): Promise<void> {
    await gateway.stop();
    gateway = await RunningGateway.start(caddy, servicePort(), changes);
  }

  function servicePort(): number {
    return (service.address() as AddressInfo).port;
  }

  function requestsOf(path: string) {
    return received.get(path) ?? [];
  }

  /** What all services do here: a path that begins with `/orders/hanging` hangs, as do long requests; a page is large. */
  function answer(request: IncomingMessage, response: ServerResponse): void {
    const path = String(request.url).split('?')[0] ?? '';
    const earlier = requestsOf(path);
    received.set(path, [...earlier, { request, response }]);
    if (path.startsWith('/orders/broken') && earlier.length === 0) return void request.socket.destroy();
    if (/hanging|events|export/.test(path) || String(request.url).includes('waitMs')) return;
    if (path.startsWith('/orders/page')) return void response.end(PAGE);
    request.resume().once('end', () => response.end('answered'));
  }

  /** Sends the begin of a request over a connection of its own. */
  async function begin(request: string): Promise<TLSSocket> {
    const socket = connect({ port: gateway.port, host: '127.0.0.1', rejectUnauthorized: false });
    // Where in a TLS record the gateway cuts a connection decides about the error.
    socket.on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'secureConnect');
    socket.pause().write(request);
    return socket;
  }

  async function beginAll(count: number, request: string): Promise<TLSSocket[]> {
    const all: TLSSocket[] = [];
    while (all.length < count)
      all.push(
        ...(await Promise.all(Array.from({ length: Math.min(50, count - all.length) }, async () => begin(request)))),
      );
    return all;
  }

  async function answered(path: string): Promise<string> {
    return text(await begin(get(path)));
  }

  it(`opens ${POOL} connections to a task, and further requests wait for one`, async () => {
    const clients = await beginAll(POOL + 40, get('/orders/hanging'));
    await eventually('the pool is used', () => requestsOf('/orders/hanging').length === POOL);
    const other = begin(get('/orders/other'));
    // The first that is answered lets the next one in, and no other.
    requestsOf('/orders/hanging')[0]?.response.end('answered');
    await eventually('one more', () => {
      const count = requestsOf('/orders/hanging').length + requestsOf('/orders/other').length;
      return count === POOL + 1 || { count };
    });
    const connections = await new Promise<number>((resolve) =>
      service.getConnections((_error, count) => resolve(count)),
    );
    expect(connections).toBe(POOL);
    const answers = clients.map(async (client) => text(client));
    await eventually('all are answered', () => {
      const hanging = requestsOf('/orders/hanging');
      for (const { response } of hanging) if (!response.writableEnded) response.end('answered');
      return hanging.length === POOL + 40 && hanging.every(({ response }) => response.writableEnded);
    });
    expect((await Promise.all(answers)).filter((each) => /^HTTP\/1.1 200 /.test(each))).toHaveLength(POOL + 40);
    await other;
  });

  it('sends a GET that got no response once more, and no other request', async () => {
    expect(await answered('/orders/broken-get')).toMatch(/^HTTP\/1.1 200 /);
    expect(requestsOf('/orders/broken-get')).toHaveLength(2);
    const post =
      'POST /orders/broken-post HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}';
    expect(await text(await begin(post))).toMatch(/^HTTP\/1.1 502 /);
    expect(requestsOf('/orders/broken-post')).toHaveLength(1);
  });

  it.each([
    ['event streams', '/v1/pipeline/events'],
    ['exports', '/v1/orders/export?format=csv'],
    ['reads that wait', '/v1/orders/some?waitMs=30000'],
  ])('answers others beside as many %s as the services allow', async (_, path) => {
    await beginAll(LONG_REQUESTS, get(path));
    const name = path.split('?')[0] ?? '';
    await eventually('all have reached the service', () => {
      const count = requestsOf(name).length;
      return count === LONG_REQUESTS || { count };
    });
    const other = path.startsWith('/v1/pipeline') ? '/v1/pipeline' : '/v1/orders';
    expect(await answered(other)).toMatch(/^HTTP\/1.1 200 /);
  });

  it('receives a body before it takes a connection to a service', async () => {
    const head = 'POST /v1/populate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
    await beginAll(2 * POOL, `${head}content-length: 60000\r\n\r\n{`);
    expect(await answered('/v1/operations')).toMatch(/^HTTP\/1.1 200 /);
    expect(requestsOf('/v1/populate')).toHaveLength(0);
  });

  it('receives a response before its client reads it', async () => {
    await restart({ '{args[1]} 256': '{args[1]} 4' });
    // Together more than the kernel's buffers take: the gateway can't send the last ones.
    const pages = get('/orders/page/1').replace('connection: close\r\n', '').repeat(UNREAD_PAGES);
    await beginAll(8, pages);
    let before = 0;
    const isFull = (): boolean => {
      const [earlier, now] = [before, requestsOf('/orders/page/1').length];
      before = now;
      return now >= 8 && now === earlier;
    };
    await eventually('the gateway can send no more', isFull, 500);
    expect(requestsOf('/orders/page/1').length).toBeLessThan(8 * UNREAD_PAGES);
    expect(await answered('/orders/some')).toMatch(/^HTTP\/1.1 200 /);
  });

  it('ends requests whose body does not arrive, and responses that take too long', async () => {
    await restart({ '90s': '1s', '1h': '2s' });
    const head = 'POST /v1/populate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
    const slow = await begin(`${head}content-length: 60000\r\n\r\n{`);
    const stream = await begin(get('/v1/pipeline/events'));
    await eventually('the stream has begun', () => requestsOf('/v1/pipeline/events').length === 1);
    const [{ response } = {}] = requestsOf('/v1/pipeline/events');
    const ended = Promise.allSettled([text(slow), text(stream)]);
    const isWriting = new AbortController();
    void ended.then(() => isWriting.abort());
    while (!isWriting.signal.aborted) {
      response?.write('data: 1\n\n');
      await betweenTries(100, isWriting.signal);
    }
    expect(requestsOf('/v1/populate').every(({ request }) => !request.complete)).toBe(true);
  });
});
