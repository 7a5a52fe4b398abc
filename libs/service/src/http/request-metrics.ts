import type { FastifyInstance } from 'fastify';
import { Counter, Histogram, type Registry } from 'prom-client';

/** From a read by id, some 2 ms, to a reconciliation of millions. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];
/** Whoever asks can choose any method that Node's parser knows, and must not make a series with each. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** No good token, not allowed, for another host, too many: what the status class alone doesn't tell from a wrong request. */
const REFUSALS = new Set([401, 403, 421, 429]);

/**
 * Measures every request from its arrival until its answer is handed to the system. By the route's pattern, never by the path: ids
 * would make a series each. A callback, as every hook that all requests pass. To be called before the routes are made.
 *
 * Not counted: answers whose reader went away before their end, such as a stream of events, which has none.
 */
export function measureRequests(fastify: FastifyInstance, registry: Registry): void {
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'How long requests took until their answer was sent whole; by route pattern, and class of status',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  });
  const refused = new Counter({
    name: 'http_requests_refused_total',
    help: 'Requests refused for who sent them: no good token (401), not allowed (403), for another host (421), too many (429)',
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
