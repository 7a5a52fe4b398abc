import { PassThrough, Readable } from 'node:stream';
import { HttpStatus } from '@nestjs/common';
import httpProxy from '@fastify/http-proxy';
import type { FastifyInstance } from 'fastify';
import { ProblemFilter } from '#service/http/problem-filter.js';
import { Problem } from '#service/http/problem.js';

export interface ServiceUrls {
  readonly PRODUCER_URL: string;
  readonly QUERY_API_URL: string;
  /** `undefined`: there is no facade. */
  readonly FACADE_URL?: string | undefined;
}

const PRODUCER_PREFIXES = ['/v1/populate', '/v1/operations', '/v1/imports', '/v1/dead-letters'];
const QUERY_API_PREFIXES = ['/v1/orders'];
const MIGRATION = '/v1/migration';
/** Timeout for the response headers and between two body chunks. A reconciliation of ten million orders is silent for minutes. */
const IDLE_TIMEOUT_MS = 300_000;

/**
 * Forwards the page's requests to the other services, unchanged and with the caller's token. The services authorize them, and the page
 * needs its own origin only. Uses `@fastify/http-proxy`, which streams in both directions.
 */
export async function forwardToServices(
  fastify: FastifyInstance,
  { PRODUCER_URL, QUERY_API_URL, FACADE_URL }: ServiceUrls,
): Promise<void> {
  const producer = (prefix: string) => ({ prefix, path: prefix, upstream: PRODUCER_URL, name: 'producer' });
  const queryApi = (prefix: string, path = prefix) => ({
    prefix,
    path,
    upstream: QUERY_API_URL,
    name: 'query API',
  });
  const routes = [
    ...PRODUCER_PREFIXES.map((prefix) => producer(prefix)),
    ...QUERY_API_PREFIXES.map((prefix) => queryApi(prefix)),
    // The guide of the page sees there that a query was answered, wherever it was sent from.
    queryApi('/query-api/metrics', '/metrics'),
    ...(FACADE_URL === undefined ? [] : [{ prefix: MIGRATION, path: MIGRATION, upstream: FACADE_URL, name: 'facade' }]),
  ];
  const problems = new ProblemFilter();
  await fastify.register(async (forwarded) => {
    // These routes are registered before the service's error handler, so they would not inherit it.
    forwarded.setErrorHandler((error, request, reply) => problems.send(error, request, reply));
    // The proxy registers its own parser, which leaves JSON bodies unread. It cannot replace an existing parser.
    forwarded.removeContentTypeParser('application/json');
    forwarded.addHook('preHandler', (request, _reply, done) => {
      if (request.body instanceof Readable) request.body = detached(request.body);
      done();
    });
    for (const { prefix, path, upstream, name } of routes)
      await forwarded.register(httpProxy, {
        upstream,
        prefix,
        rewritePrefix: path,
        undici: { headersTimeout: IDLE_TIMEOUT_MS, bodyTimeout: IDLE_TIMEOUT_MS, connections: 64 },
        replyOptions: {
          // The console has already checked `Origin`; the service would see a request of the console.
          // The console has already answered `Expect`, and undici rejects that header.
          rewriteRequestHeaders: (_request, { origin: _origin, expect: _expect, ...headers }) => headers,
          // By default the proxy retries a 503 ten times and reads `Retry-After` as milliseconds.
          retryDelay: () => null,
          onError: (reply, { error }) => {
            fastify.log.warn({ reason: String(error), upstream }, 'request could not be forwarded');
            void reply.send(unavailable(name));
          },
        },
      });
  });
}

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
