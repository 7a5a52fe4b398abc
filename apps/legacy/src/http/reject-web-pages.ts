import type { FastifyInstance } from 'fastify';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Rejects requests that a web page makes a browser send. The legacy system trusts every client that can reach it, and a page can
 * reach loopback: with a form (`Origin`), or with a host name that resolves to 127.0.0.1 (`Host`).
 * @param listenHost on another address than loopback, any `Host` is accepted
 */
export function rejectWebPages(app: FastifyInstance, listenHost: string): void {
  const isLocal = LOOPBACK.has(listenHost) || listenHost === '::1';
  app.addHook('onRequest', ({ headers: { origin }, hostname }, _reply, done) => {
    const isForeign = origin !== undefined || (isLocal && !LOOPBACK.has(hostname));
    done(
      isForeign ? Object.assign(new Error('web pages may not call the legacy system'), { statusCode: 403 }) : undefined,
    );
  });
}
