import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { callerKey } from '#service/http/caller-key.js';
import { Places, type PlaceLimits } from '#service/http/places.js';
import { UNLIMITED } from '../clients/unlimited.js';
import { forwardedTarget, requestHeadersFor } from '../sides/forwarded-headers.js';
import type { ReadCapability } from '../stages/capability.js';
import { readById, readByPage, readByRange, type ParsedRead } from './legacy-parameters.js';
import { DisconnectedError, type Reads } from './reads.js';

type Texts = Readonly<Record<string, string>>;

/**
 * Adds the reads of the legacy system's API. A long answer holds its connection to the side for as long as the client reads it, so that it
 * needs a place: otherwise one client could hold all connections.
 */
export function addReadRoutes(
  fastify: FastifyInstance,
  reads: Pick<Reads, 'answer'>,
  limits: PlaceLimits<'LONG_ANSWERS'>,
): void {
  const places = new Places({ setting: 'LONG_ANSWERS', name: 'long answers', code: 'too-many-long-answers' }, limits);
  const answer = async (
    capability: ReadCapability,
    parsed: ParsedRead,
    route: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const disconnected = new AbortController();
    const { socket } = request.raw;
    const disconnect = (): void => disconnected.abort(new DisconnectedError());
    socket.once('close', disconnect);
    try {
      const headers = requestHeadersFor(request.headers, request.client !== null);
      const path = forwardedTarget(route, request.raw);
      const forwarded = { method: 'GET' as const, path, headers, signal: disconnected.signal };
      const { status, headers: answered, body } = await reads.answer({ capability, parsed, forwarded });
      if (Buffer.isBuffer(body)) socket.removeListener('close', disconnect);
      else {
        body.once('close', () => socket.removeListener('close', disconnect));
        places.hold(request, reply, request.client ?? callerKey(request));
      }
      return await reply.code(status).headers(answered).send(body);
    } catch (error) {
      socket.removeListener('close', disconnect);
      // Without a place, the side still sends.
      disconnected.abort(error);
      throw error;
    }
  };
  fastify.get<{ Params: Texts }>('/orders/page/:page', UNLIMITED, async (request, reply) => {
    const { page = '' } = request.params;
    return answer('read-by-page', readByPage(page), `/orders/page/${encodeURIComponent(page)}`, request, reply);
  });
  fastify.get<{ Querystring: Texts }>('/orders/range', UNLIMITED, async (request, reply) =>
    answer('read-by-range', readByRange(request.query), '/orders/range', request, reply),
  );
  fastify.get<{ Params: Texts }>('/orders/:id', UNLIMITED, async (request, reply) => {
    const { id = '' } = request.params;
    return answer('read-by-id', readById(id), `/orders/${encodeURIComponent(id)}`, request, reply);
  });
}
