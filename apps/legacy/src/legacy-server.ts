import { Readable } from 'node:stream';
import fastify, { type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import { acceptEmptyJsonBodies } from '#service/http/request-bodies.js';
import { closeIdleConnections } from '#service/http/connections.js';
import type { OrderStore } from './order-store.js';
import { MAX_NUMBER, OrderRequestSchema, type OrderRequest } from './order-request.js';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Rejects requests that a web page makes a browser send. The legacy system trusts every client that can reach it, and a page can
 * reach loopback: with a form (`Origin`), or with a host name that resolves to 127.0.0.1 (`Host`).
 * @param listenHost on another address than loopback, any `Host` is accepted
 */
function rejectWebPages(app: FastifyInstance, listenHost: string): void {
  const isLocal = LOOPBACK.has(listenHost) || listenHost === '::1';
  app.addHook('onRequest', ({ headers: { origin }, hostname }, _reply, done) => {
    const isForeign = origin !== undefined || (isLocal && !LOOPBACK.has(hostname));
    done(
      isForeign ? Object.assign(new Error('web pages may not call the legacy system'), { statusCode: 403 }) : undefined,
    );
  });
}

const MAX_POPULATE = 1_000_000;
const MAX_PAGE = MAX_NUMBER / 1_000;
const MAX_BODY_BYTES = 64 * 1024;
/** An unknown id of any sensible length is answered with `null`. */
const MAX_ID_CHARACTERS = 1_024;
const JSON_TYPE = 'application/json; charset=utf-8';

/** The options of the server. */
interface LegacyServerOptions {
  readonly store: OrderStore;
  readonly logger: Logger;
  readonly listenHost: string;
  /** Returns a number from 0 up to, but not including, 1. */
  readonly random: () => number;
}

/**
 * Creates the legacy system's API: a plain array instead of an envelope, `null` with 200 for an unknown id, errors in the form of
 * its framework, and no tokens.
 */
export function createLegacyServer({ store, logger, listenHost, random }: LegacyServerOptions): FastifyInstance {
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: MAX_ID_CHARACTERS },
  }) as unknown as FastifyInstance;
  closeIdleConnections(app);
  acceptEmptyJsonBodies(app);
  rejectWebPages(app, listenHost);
  app.get('/health/ready', () => ({ status: 'ok' }));
  app.post<{ Querystring: Texts }>('/populate', async ({ query }, reply) => {
    const count = wholeNumber('count', query['count'], MAX_POPULATE);
    const { first, last } = await store.populate(count, random);
    return reply.code(201).send({ count, first, last });
  });
  app.post('/orders', async ({ body }, reply) => {
    const { text, isNew } = await store.add(readOrder(body));
    return reply
      .code(isNew ? 201 : 200)
      .type(JSON_TYPE)
      .send(text);
  });
  app.get<{ Params: Texts }>('/orders/page/:page', async ({ params }, reply) =>
    reply.type(JSON_TYPE).send(await store.page(wholeNumber('page', params['page'], MAX_PAGE))),
  );
  app.get<{ Querystring: Texts }>('/orders/range', async ({ query }, reply) => {
    const start = wholeNumber('start', query['start'], MAX_NUMBER);
    const end = wholeNumber('end', query['end'], MAX_NUMBER);
    if (end < start) throw badRequest(`end must not be below start, got ${end}`);
    return reply.type(JSON_TYPE).send(Readable.from(store.range(start, end)));
  });
  app.get<{ Params: Texts }>('/orders/:id', async ({ params }, reply) =>
    reply.type(JSON_TYPE).send(await store.find(params['id'] ?? '')),
  );
  return app;
}

type Texts = Readonly<Record<string, string | undefined>>;

function wholeNumber(name: string, text: unknown, largest: number): number {
  const value = typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= largest) return value;
  throw badRequest(`${name} must be an integer from 1 to ${largest}, got ${String(text).slice(0, 40)}`);
}

function readOrder(body: unknown): OrderRequest {
  const parsed = OrderRequestSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => [...path, message].join(': '));
  throw badRequest(issues.join('; '));
}

function badRequest(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 400 });
}
