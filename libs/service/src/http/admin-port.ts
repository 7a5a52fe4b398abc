import { createServer, type Server, type ServerOptions } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { notFound } from './problem.js';

/** The port of operators' routes. */
export interface AdminAddress {
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
export class AdminServer {
  constructor(private readonly server: Server) {}

  /** Resolves to the port. */
  async listen({ host, port }: AdminAddress): Promise<number> {
    this.server.listen(port, host);
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }
}
