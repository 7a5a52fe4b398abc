import type { IncomingHttpHeaders } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { HttpStatus } from '@nestjs/common';
import httpProxy from '@fastify/http-proxy';
import type { FastifyHttpProxyOptions } from '@fastify/http-proxy';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { audited } from '#service/audit/audit-requests.js';
import { requireCaller } from '#service/auth/authenticate.js';
import { ConcurrencyLimit } from '#service/http/concurrency-limit.js';
import { isAnswered } from '#service/http/transfer-limits.js';
import { ProblemFilter } from '#service/http/problem-filter.js';
import { Problem } from '#service/http/problem.js';
import type { ConsoleSettings } from './settings-schema.js';

/**
 * The headers of a caller that a service receives. Others could widen what a service trusts, such as `X-Forwarded-For`, cookies of
 * other applications on the host, and `Origin`, which the console has checked; or belong to the connection (RFC 9110, section 7.6.1).
 */
const PASSED_ON = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-type',
  // The service's own address: the proxy has set it.
  'host',
  'idempotency-key',
  'if-none-match',
  'last-event-id',
  'user-agent',
  'x-request-id',
]);

/**
 * Returns the headers of a forwarded request.
 * @param address that of the caller, for services that trust the console (setting TRUST_PROXY)
 */
function forwardedHeaders(headers: IncomingHttpHeaders, address: string): IncomingHttpHeaders {
  const passedOn = Object.entries(headers).filter(([name]) => PASSED_ON.has(name));
  return { ...Object.fromEntries(passedOn), 'x-forwarded-for': address };
}

export type ForwardingSettings = Pick<
  ConsoleSettings,
  | 'PRODUCER_URL'
  | 'QUERY_API_URL'
  | 'FACADE_URL'
  | 'FORWARDED_PER_CALLER'
  | 'FORWARDED_IN_TOTAL'
  | 'AUTH_ISSUER'
  | 'AUTH_AUDIENCE'
>;

/** How long a service may take to begin its response, in milliseconds. */
export interface ResponseTimeouts {
  readonly usual: number;
  /** A reconciliation of ten million orders is silent for minutes. */
  readonly reconciliation: number;
}

const RESPONSE_TIMEOUTS: ResponseTimeouts = { usual: 60_000, reconciliation: 300_000 };
/** Time between two chunks of a response. */
const IDLE_TIMEOUT_MS = 300_000;
const FORWARDED = { setting: 'FORWARDED', name: 'forwarded requests', code: 'too-many-forwarded-requests' } as const;

/**
 * Forwards the page's requests to the other services with the caller's token, so that the page needs its own origin only. The services
 * authorize them; the console refuses those without a valid token itself. A slow service or caller takes a bounded number of places only.
 * Uses `@fastify/http-proxy`, which streams in both directions.
 */
export async function forwardToServices(
  fastify: FastifyInstance,
  settings: ForwardingSettings,
  timeouts = RESPONSE_TIMEOUTS,
): Promise<void> {
  const problems = new ProblemFilter();
  await fastify.register(async (forwarded) => {
    // These routes are registered before the service's error handler, so they would not inherit it.
    forwarded.setErrorHandler((error, request, reply) => problems.send(error, request, reply));
    // The proxy registers its own parser, which leaves JSON bodies unread. It cannot replace an existing parser.
    forwarded.removeContentTypeParser('application/json');
    if (settings.AUTH_ISSUER !== undefined)
      forwarded.addHook('onRequest', async (request) => void requireCaller(request, settings.AUTH_AUDIENCE));
    forwarded.addHook('preHandler', (request, _reply, done) => {
      if (request.body instanceof Readable) request.body = detached(request.body);
      done();
    });
    // When the console itself refuses a request, such as one with a slow body, the forwarded request is aborted. The service has the same
    // limits, and would answer as well.
    forwarded.addHook('onSend', (request, _reply, payload, done) => {
      if (request.body instanceof Readable && !answeredByService.has(request.raw)) request.body.destroy();
      done(null, payload);
    });
    for (const route of routesTo(settings))
      await forwarded.register(async (scope) => {
        scope.addHook('onRequest', async (request, reply) => route.service.places.hold(request, reply));
        await scope.register(httpProxy, proxyOptions(settings, timeouts, route));
      });
  });
}

interface Route {
  readonly prefix: string;
  readonly path: string;
  readonly service: { readonly name: string; readonly upstream: string; readonly places: ConcurrencyLimit };
}

function routesTo(settings: ForwardingSettings): Route[] {
  const routes = (name: string, upstream: string, ...paths: readonly [prefix: string, path?: string][]): Route[] => {
    const service = { name, upstream, places: new ConcurrencyLimit(FORWARDED, settings) };
    return paths.map(([prefix, path = prefix]) => ({ prefix, path, service }));
  };
  const { PRODUCER_URL, QUERY_API_URL, FACADE_URL } = settings;
  return [
    ...routes('producer', PRODUCER_URL, ['/v1/populate'], ['/v1/operations'], ['/v1/imports'], ['/v1/dead-letters']),
    // The guide of the page sees in the metrics that a query was answered, wherever it was sent from.
    ...routes('query API', QUERY_API_URL, ['/v1/orders'], ['/query-api/metrics', '/metrics']),
    ...(FACADE_URL === undefined ? [] : routes('facade', FACADE_URL, ['/v1/migration'])),
  ];
}

function proxyOptions(
  { FORWARDED_IN_TOTAL }: ForwardingSettings,
  timeouts: ResponseTimeouts,
  { prefix, path, service: { name, upstream } }: Route,
): FastifyHttpProxyOptions {
  return {
    upstream,
    prefix,
    rewritePrefix: path,
    // The services audit what reaches them.
    config: audited(`forward-${prefix.split('/').at(-1) ?? ''}`, { onlyRefusals: true, when: isOwnRefusal }),
    undici: {
      headersTimeout: timeouts.usual,
      bodyTimeout: IDLE_TIMEOUT_MS,
      // A request that has a place never waits for a connection.
      connections: FORWARDED_IN_TOTAL === 0 ? null : FORWARDED_IN_TOTAL,
    },
    handler: (request, reply, destination, options) => {
      const isReconciliation = request.method === 'POST' && RECONCILIATION.test(request.url);
      return reply.from(destination, { ...options, ...(isReconciliation && { timeout: timeouts.reconciliation }) });
    },
    replyOptions: {
      rewriteRequestHeaders: (request, headers) => forwardedHeaders(headers, request.ip),
      // By default the proxy retries a 503 ten times and reads `Retry-After` as milliseconds.
      retryDelay: () => null,
      onResponse: (request, reply, { stream }) => {
        answeredByService.add(request.raw);
        void reply.send(stream);
      },
      onError: (reply, { error }) => {
        reply.log.warn({ reason: String(error), upstream }, 'request could not be forwarded');
        if (!isAnswered(reply)) void reply.send(unavailable(name));
      },
    },
  };
}

/** Whether the console itself refuses a request that may change something. */
function isOwnRefusal({ method, problemCode }: FastifyRequest): boolean {
  return problemCode !== undefined && method !== 'GET' && method !== 'HEAD';
}

const RECONCILIATION = /^\/v1\/operations\/[^/?]+\/reconcile(?:\?|$)/;

/** Requests whose response is that of the service. */
const answeredByService = new WeakSet<object>();

/**
 * Copies a body into a separate stream. When a service answers before it has read the whole body, undici destroys the stream. If that were
 * the request itself, the caller's connection would be closed before the caller received the answer.
 */
function detached(body: Readable): Readable {
  const copy = new PassThrough();
  body.once('close', () => {
    if (!body.readableEnded) copy.destroy();
  });
  return body.pipe(copy);
}

function unavailable(name: string): Problem {
  return new Problem(
    HttpStatus.SERVICE_UNAVAILABLE,
    'service-away',
    `The ${name} does not answer. Try again in a moment.`,
    {},
    { 'Retry-After': '2' },
  );
}
