import type { FastifyReply, FastifyInstance, FastifyRequest, FastifyError } from 'fastify';
import type { Logger } from 'pino';
import { callerKey, ConcurrencyLimit, type ConcurrencySettings } from '#service/http/concurrency-limit.js';
import { audited } from '#service/audit/audit-requests.js';
import { rejectForeignHosts, rejectForeignWrites } from '#service/http/known-hosts.js';
import { errorAnswer, legacyErrorOf, type ForwardedRequest, type LegacyAnswer } from './sides/legacy-answers.js';
import { forwardedTarget, requestHeadersFor } from './sides/side-connection.js';
import type { ReadCapability } from './stages/stages.js';
import { readById, readByPage, readByRange, type ParsedRead, DisconnectedError, type Reads } from './reads/reads.js';
import type { PostedOrders } from './writes/posted-orders.js';
import { authenticateClients, type ClientKeys } from './clients.js';

/** Options of the routes of the legacy system's API. It limits no rates: a client that is moved to the facade must not get a 429. Its clients have API keys. */
const UNLIMITED = { config: { rateLimit: false, noToken: true } } as const;

type Texts = Readonly<Record<string, string>>;

/**
 * Adds the reads of the legacy system's API. A long answer holds its connection to the side for as long as the client reads it. Their
 * number is limited: otherwise one client could hold all connections.
 */
export function addReadRoutes(
  fastify: FastifyInstance,
  reads: Pick<Reads, 'answer'>,
  limits: ConcurrencySettings<'LONG_ANSWERS'>,
): void {
  const longAnswers = new ConcurrencyLimit(
    { setting: 'LONG_ANSWERS', name: 'long answers', code: 'too-many-long-answers' },
    limits,
  );
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
        longAnswers.hold(request, reply, request.client ?? callerKey(request));
      }
      return await reply.code(status).headers(answered).send(body);
    } catch (error) {
      socket.removeListener('close', disconnect);
      // Beyond the limit, the side still sends.
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

const MAX_BODY_BYTES = 64 * 1024;

/** Returns the client of an API key. */
const clientOf = (request: FastifyRequest): string | null => request.client;

/** Returns the options of a route whose requests are audited. */
function auditedRoute(action: string, onlyRefusals: boolean) {
  return { config: { ...UNLIMITED.config, ...audited(action, { onlyRefusals, client: clientOf }) } };
}

/** Adds the writes of the legacy system's API. A client that disconnects stops nothing: its order may be stored already. */
export function addWriteRoutes(fastify: FastifyInstance, orders: Pick<PostedOrders, 'post' | 'populate'>): void {
  void fastify.register(async (scope) => {
    // Every body goes through as it came: the legacy system judges its type and its JSON.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: MAX_BODY_BYTES }, (_request, body, done) =>
      done(null, body),
    );
    scope.post('/orders', auditedRoute('send-orders', true), async (request, reply) =>
      send(reply, await orders.post(forwardedWrite('/orders', request), new AbortController().signal)),
    );
    scope.post('/populate', auditedRoute('populate', false), async (request, reply) =>
      send(reply, await orders.populate(forwardedWrite('/populate', request))),
    );
    return Promise.resolve();
  });
}

function send(reply: FastifyReply, { status, headers, body }: LegacyAnswer): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

function forwardedWrite(route: string, request: FastifyRequest): ForwardedRequest {
  const { body, client } = request;
  const path = forwardedTarget(route, request.raw);
  const headers = requestHeadersFor(request.headers, client !== null);
  return { path, headers, body: typeof body === 'string' ? body : '' };
}

interface LegacyApiOptions {
  /** Returns the API keys that are valid now; `undefined`: there are none. */
  readonly keys: () => ClientKeys | undefined;
  /** Accepted hosts and origins: any web page can send requests to loopback, and browsers add a password that was entered before. */
  readonly hosts: { readonly hosts: readonly string[]; readonly origins: readonly string[] };
  /** Called with the client of each request. */
  readonly onRequest: (client: string) => void;
  readonly logger: Logger;
  readonly addRoutes: (scope: FastifyInstance) => void;
}

/** Adds the legacy system's API: plain routes with its own form of errors, and its clients' API keys instead of tokens. */
export async function addLegacyApi(fastify: FastifyInstance, options: LegacyApiOptions): Promise<void> {
  const { keys, hosts, onRequest, logger, addRoutes } = options;
  await fastify.register(async (scope) => {
    if (keys() === undefined) rejectForeignHosts(scope, hosts);
    else rejectForeignWrites(scope, hosts);
    authenticateClients(scope, keys, onRequest);
    // Bodies go through as they came.
    scope.addHook('onRequest', ({ headers }, _reply, done) => {
      headers['x-no-compression'] = 'true';
      done();
    });
    scope.setErrorHandler((error: FastifyError, request, reply) => {
      const { client, routeOptions, method } = request;
      const known = legacyErrorOf(error);
      request.problemCode = known?.code ?? (known === undefined ? 'internal-error' : null);
      const fields = { client, method, route: routeOptions.url };
      if (known === undefined) logger.error({ ...fields, err: error }, 'unexpected error');
      else if (known.status >= 500)
        logger.warn({ ...fields, code: known.code, reason: error.message }, 'request failed');
      const unexpected = { status: 500, code: 'internal-error', message: 'an unexpected error occurred' };
      send(reply, errorAnswer(known ?? unexpected));
    });
    addRoutes(scope);
  });
}
