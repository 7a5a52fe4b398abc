import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

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
