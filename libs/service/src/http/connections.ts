import { type ServerOptions, createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { timeLimit } from '#orders/time-limit.js';
import { notFound } from './problem.js';

/** Node checks for late headers this often. */
const CHECK_HEADERS_MS = 2_000;

/** A connection that is silent for this long is probed by TCP, so that one whose client has disappeared is closed. */
const PROBE_AFTER_MS = 60_000;

/**
 * How much longer an idle connection stays open than its responses announce. A busy client counts the time from when it has read the response,
 * and may send a request just as the service closes the connection: that request would fail. Node's own is 1 s.
 */
const IDLE_LONGER_MS = timeLimit(30_000);

/**
 * Node's server options: limits the time for a request's headers, closes connections whose client has disappeared, and leaves it to the client
 * to close an idle one.
 */
export function connectionLimits(headersTimeout: number): ServerOptions {
  const connectionsCheckingInterval = Math.min(CHECK_HEADERS_MS, headersTimeout);
  // Node refuses a time for headers that is longer than its time for a whole request, 300 s by default. `limitTransfers` ends slow requests.
  const requestTimeout = 0;
  const probes = { keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS };
  const keepAliveTimeoutBuffer = IDLE_LONGER_MS;
  return { headersTimeout, requestTimeout, connectionsCheckingInterval, keepAliveTimeoutBuffer, ...probes };
}

/** The port of operators' routes. */
interface AdminAddress {
  readonly host: string;
  /** 0 chooses a free one. */
  readonly port: number;
}

/**
 * Serves `/health/…` and `/metrics` on a port of their own, and only there, so that a firewall can keep clients from them. The other routes
 * are not found on it. Call it before the routes are registered, and `listen` of the result when the service is ready to listen.
 */
export function separateAdminRoutes(fastify: FastifyInstance, options: ServerOptions): AdminServer {
  const server = createServer(options, (request, response) => fastify.routing(request, response));
  const adminSockets = new WeakSet();
  server.on('connection', (socket) => void adminSockets.add(socket));
  fastify.addHook('onRequest', ({ raw, url }: FastifyRequest, _reply, done) => {
    if (isAdminPath(url) === adminSockets.has(raw.socket)) done();
    else done(notFound(`Cannot ${raw.method} ${url.split('?')[0]} on this port (setting ADMIN_PORT).`));
  });
  fastify.addHook('onClose', (_instance, done) => {
    server.close(() => done());
    server.closeAllConnections();
  });
  return new AdminServer(server);
}

/** Whether a path is one of those for operators; they need no token and have no rate limit. */
export function isAdminPath(url: string): boolean {
  return url.startsWith('/health/') || /^\/metrics(?:\?|$)/.test(url);
}

/** The server of the admin port. */
class AdminServer {
  constructor(private readonly server: Server) {}

  /** Resolves to the port. */
  async listen({ host, port }: AdminAddress): Promise<number> {
    this.server.listen(port, host);
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }
}

/**
 * Fastify's options: a request that arrives while the server begins to close is answered, and the last on its connection. By default it
 * gets a 503, although everything that it needs is still there.
 */
export const ANSWER_WHILE_CLOSING = { return503OnClosing: false } as const;

/**
 * Lets the server close as soon as the running requests have their responses. Node's own `close` ends the connections that are
 * idle at that moment and then waits for the others, even if they become idle: 72 s after a running response, and 60 s for a
 * connection without any request, such as browsers open in advance.
 */
export function closeIdleConnections(fastify: FastifyInstance): void {
  const { server } = fastify;
  const idle = new Set<Socket>();
  server.on('connection', (socket) => {
    idle.add(socket);
    socket.once('close', () => idle.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    idle.delete(socket);
    response.once('close', () => {
      if (!socket.destroyed) idle.add(socket);
    });
  });
  fastify.addHook('preClose', (done) => {
    // Closes the connections of running responses 1 ms after they become idle. 0 would disable the time-out.
    server.keepAliveTimeout = 1;
    server.keepAliveTimeoutBuffer = 0;
    for (const socket of idle) socket.destroy();
    done();
  });
}
