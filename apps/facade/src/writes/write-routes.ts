import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { audited } from '#service/audit/audited.js';
import { UNLIMITED } from '../clients/unlimited.js';
import { forwardedTarget } from '../sides/forwarded-headers.js';
import type { ForwardedRequest, LegacyAnswer } from './legacy-port.js';
import type { PostedOrders } from './posted-orders.js';

type HeadersOf = (request: FastifyRequest) => ForwardedRequest['headers'];

const MAX_BODY_BYTES = 64 * 1024;

/** Returns the client of an API key. */
const client = (request: FastifyRequest): string | null => request.client;

/** Returns the options of a route whose requests are audited. */
function auditedRoute(action: string, onlyRefusals: boolean) {
  return { config: { ...UNLIMITED.config, ...audited(action, { onlyRefusals, client }) } };
}

/**
 * Adds the writes of the legacy system's API. A client that disconnects stops nothing: its order may be stored already.
 * @param headersOf returns the headers that go to the legacy system
 */
export function addWriteRoutes(fastify: FastifyInstance, orders: PostedOrders, headersOf: HeadersOf): void {
  void fastify.register(async (scope) => {
    // Every body goes through as it came: the legacy system judges its type and its JSON.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: MAX_BODY_BYTES }, (_request, body, done) =>
      done(null, body),
    );
    scope.post('/orders', auditedRoute('send-orders', true), async (request, reply) =>
      send(reply, await orders.post(forwarded('/orders', request, headersOf), new AbortController().signal)),
    );
    scope.post('/populate', auditedRoute('populate', false), async (request, reply) =>
      send(reply, await orders.populate(forwarded('/populate', request, headersOf))),
    );
    return Promise.resolve();
  });
}

function send(reply: FastifyReply, { status, headers, body }: LegacyAnswer): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

function forwarded(route: string, request: FastifyRequest, headersOf: HeadersOf): ForwardedRequest {
  const { body } = request;
  const path = forwardedTarget(route, request.raw);
  return { path, headers: headersOf(request), body: typeof body === 'string' ? body : '' };
}
