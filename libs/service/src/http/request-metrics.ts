import type { FastifyInstance } from 'fastify';
import { Counter, Histogram, type Registry } from 'prom-client';

/** In seconds: from a read by id, about 2 ms, to a reconciliation of millions of orders. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];
/** Methods with their own series. A client can send any method that Node's parser knows and must not create a series for each. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** No valid token, not allowed, wrong host, too many requests: the status class does not distinguish them from bad requests. */
const REFUSALS = new Set([401, 403, 421, 429]);

/**
 * Measures every request from its arrival until its response is handed to the operating system. It labels by route pattern,
 * never by path, since each id would create a series. Call it before the routes are registered. The hook uses a callback, as
 * do all hooks on the path of every request.
 *
 * Not counted: responses whose client disconnected before the end, such as an endless event stream.
 */
export function measureRequests(fastify: FastifyInstance, registry: Registry): void {
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of requests until the whole response was sent, by route pattern and status class',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  });
  const refused = new Counter({
    name: 'http_requests_refused_total',
    help: 'Rejected requests: no valid token (401), not allowed (403), wrong host (421), too many requests (429)',
    labelNames: ['status'],
    registers: [registry],
  });
  for (const status of REFUSALS) refused.inc({ status }, 0);
  fastify.addHook('onResponse', (request, { statusCode, elapsedTime }, done) => {
    const method = METHODS.has(request.method) ? request.method : 'other';
    const route = request.routeOptions.url ?? 'none';
    durations.observe({ method, route, status: `${Math.floor(statusCode / 100)}xx` }, elapsedTime / 1_000);
    if (REFUSALS.has(statusCode)) refused.inc({ status: statusCode });
    done();
  });
}
