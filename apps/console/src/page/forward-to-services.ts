import { PassThrough, Readable } from 'node:stream';
import { HttpStatus } from '@nestjs/common';
import httpProxy from '@fastify/http-proxy';
import type { FastifyInstance } from 'fastify';
import { ProblemFilter } from '#service/problem-filter.js';
import { Problem } from '#service/problem.js';

export interface ServiceUrls {
  readonly PRODUCER_URL: string;
  readonly QUERY_API_URL: string;
}

const OF_PRODUCER = ['/v1/populate', '/v1/operations', '/v1/imports', '/v1/dead-letters'];
const OF_QUERY_API = ['/v1/orders'];
/** Until an answer begins, and between two parts of it: a reconciliation of ten million orders says nothing for minutes. */
const SILENT_MS = 300_000;

/**
 * Passes on what the page asks of the other services, as it is and with the caller's own token: they decide who may do what. The page
 * therefore talks to its own origin only. By `@fastify/http-proxy`, which streams both ways.
 */
export async function forwardToServices(fastify: FastifyInstance, urls: ServiceUrls): Promise<void> {
  const routes = [
    ...OF_PRODUCER.map((prefix) => ({ prefix, upstream: urls.PRODUCER_URL, name: 'producer' })),
    ...OF_QUERY_API.map((prefix) => ({ prefix, upstream: urls.QUERY_API_URL, name: 'query API' })),
  ];
  const problems = new ProblemFilter();
  await fastify.register(async (forwarded) => {
    // These routes are made before the service has a handler of errors that they could have from it.
    forwarded.setErrorHandler((error, request, reply) => problems.send(error, request, reply));
    // The proxy registers a parser of its own, which leaves JSON bodies unread, and refuses to replace one.
    forwarded.removeContentTypeParser('application/json');
    forwarded.addHook('preHandler', (request, _reply, done) => {
      if (request.body instanceof Readable) request.body = detached(request.body);
      done();
    });
    for (const { prefix, upstream, name } of routes)
      await forwarded.register(httpProxy, {
        upstream,
        prefix,
        rewritePrefix: prefix,
        undici: { headersTimeout: SILENT_MS, bodyTimeout: SILENT_MS, connections: 64 },
        replyOptions: {
          // Where the request comes from was looked at here; there it comes from this service.
          // `Expect` is answered here already, and undici would refuse it.
          rewriteRequestHeaders: (_request, { origin: _origin, expect: _expect, ...headers }) => headers,
          // Of itself it would ask eleven times for what was answered with 503, and read `Retry-After` as milliseconds.
          retryDelay: () => null,
          onError: (reply, { error }) => {
            fastify.log.warn({ reason: String(error), upstream }, 'a request could not be passed on');
            void reply.send(away(name));
          },
        },
      });
  });
}

/**
 * The same bytes in a stream of its own. A service may answer before it has read all of a body; undici then destroys the stream, and with
 * the request itself the caller's connection, before the caller has the answer.
 */
function detached(body: Readable): Readable {
  const copy = new PassThrough();
  body.once('close', () => {
    if (!body.readableEnded) copy.destroy();
  });
  return body.pipe(copy);
}

function away(name: string): Problem {
  return new Problem(
    HttpStatus.SERVICE_UNAVAILABLE,
    'service-away',
    `The ${name} does not answer. Try again in a moment.`,
    {},
    { 'Retry-After': '2' },
  );
}
