import { randomUUID, hash } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import compress from '@fastify/compress';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import { HttpStatus } from '@nestjs/common';
import type { DoneFuncWithErrOrRes, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import helmet from 'helmet';
import fresh from 'fresh';
import type { AuthSettings } from '../auth/auth-settings.js';
import { authenticate, rejectBodiesWithoutToken } from '../auth/authenticate.js';
import { describeProtectedResource } from '../auth/scopes.js';
import type { TokenVerifier } from '../auth/token-verifier.js';
import type { HttpSettings } from '../settings/service-settings.js';
import { Problem } from './problem.js';
import { isAdminPath } from './connections.js';
import { callerKey } from './concurrency-limit.js';
import { acceptEmptyJsonBodies, drainUnreadBodies } from './request-bodies.js';
import { rejectForeignHosts } from './known-hosts.js';
import { isWellEncoded } from './request-input.js';
import { limitTransfers } from './transfer-limits.js';

/** Below this size the headers of a compressed response cost more than the compression saves. */
const COMPRESSED_FROM_BYTES = 1_024;
const MINUTE_MS = 60_000;

/**
 * Sets up the hooks that every request passes before its handler, and every response after it.
 * @param verifier verifies tokens; `null` without an issuer
 */
export async function setUpHttp(
  fastify: FastifyInstance,
  settings: HttpSettings,
  auth: AuthSettings | undefined,
  verifier: TokenVerifier | null,
): Promise<void> {
  const issuer = auth?.AUTH_ISSUER;
  acceptEmptyJsonBodies(fastify);
  addRequestIdHeader(fastify);
  protectAnswers(fastify, issuer);
  rejectUnknownMethods(fastify);
  await fastify.register(cors, { origin: [...settings.CORS_ORIGINS], exposedHeaders: EXPOSED_HEADERS });
  // With tokens, a page can do only what its token allows; without `auth`, there is nothing to protect.
  if (auth !== undefined && issuer === undefined)
    rejectForeignHosts(fastify, { hosts: settings.ALLOWED_HOSTS, origins: settings.CORS_ORIGINS });
  authenticate(fastify, verifier);
  if (auth !== undefined) describeProtectedResource(fastify, auth);
  if (auth !== undefined && verifier !== null) rejectBodiesWithoutToken(fastify, auth.AUTH_AUDIENCE);
  await limitRates(fastify, settings.RATE_LIMIT_PER_MINUTE);
  fastify.addHook('onRequest', refuseBadEncoding);
  fastify.addHook('onRequest', refuseCompressedBodies);
  answerConditionalGets(fastify);
  drainUnreadBodies(fastify);
  limitTransfers(fastify, {
    bodyMs: 1_000 * settings.REQUEST_TIMEOUT_SECONDS,
    bodyBytesPerSecond: settings.UPLOAD_MIN_BYTES_PER_SECOND,
  });
  await fastify.register(compress, {
    threshold: COMPRESSED_FROM_BYTES,
    encodings: ['br', 'gzip'],
    // Uploads are read directly from the socket; a decompressor would consume part of them.
    globalDecompression: false,
  });
}

const EXPOSED_HEADERS = [
  'ETag',
  'Link',
  'Location',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Retry-After',
  'X-Complete-Through',
  'X-Request-Id',
];

async function limitRates(fastify: FastifyInstance, perMinute: number): Promise<void> {
  if (perMinute === 0) return;
  await fastify.register(rateLimit, {
    max: perMinute,
    timeWindow: MINUTE_MS,
    enableDraftSpec: true,
    keyGenerator: callerKey,
    // Monitoring must work even if other clients of the same address exceed the limit.
    allowList: ({ url }: FastifyRequest) => isAdminPath(url),
    errorResponseBuilder: (_request, { max, ttl }) =>
      new Problem(
        HttpStatus.TOO_MANY_REQUESTS,
        'too-many-requests',
        `More than ${max} requests in a minute (setting RATE_LIMIT_PER_MINUTE). Retry in ${Math.ceil(ttl / 1_000)} s.`,
      ),
  });
}

/** Rejects a badly encoded query in a hook: an error thrown by the router's parser would end the process. */
function refuseBadEncoding({ url }: FastifyRequest, _reply: FastifyReply, done: DoneFuncWithErrOrRes): void {
  const at = url.indexOf('?');
  if (at === -1 || isWellEncoded(url.slice(at + 1))) done();
  else done(new Problem(HttpStatus.BAD_REQUEST, 'bad-encoding', 'The query is not percent-encoded UTF-8.'));
}

/** Rejects compressed bodies: bodies are small or compressed files, and a decompressor would enable decompression bombs. */
function refuseCompressedBodies({ headers }: FastifyRequest, _reply: FastifyReply, done: DoneFuncWithErrOrRes): void {
  const coding = headers['content-encoding'] ?? 'identity';
  const detail = `The Content-Encoding must be identity, got ${coding.slice(0, 20)}.`;
  if (/^identity$/i.test(coding)) done();
  // RFC 9110, section 15.5.16: the header lists the accepted codings.
  else
    done(
      new Problem(HttpStatus.UNSUPPORTED_MEDIA_TYPE, 'compressed-body', detail, {}, { 'Accept-Encoding': 'identity' }),
    );
}

const REQUEST_ID = 'x-request-id';

/** Returns the client's request id if it is safe to log; otherwise a new one. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers[REQUEST_ID];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Adds the request id to each response, so that its log lines can be found. */
function addRequestIdHeader(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header(REQUEST_ID, request.id);
    done();
  });
}

/**
 * Adds the security headers for browsers to every response. They are the same for all responses, so Helmet computes them once;
 * `@fastify/helmet` computes them per request, which took a tenth of the duration of a read.
 * @param issuer the provider that users of Swagger UI log in with; `undefined` if there is none
 */
function protectAnswers(fastify: FastifyInstance, issuer: string | undefined): void {
  const headers = headersOf(
    helmet({
      contentSecurityPolicy: { directives: contentSecurity(issuer) },
      // The issuer's login window needs access to the Swagger UI window that opened it.
      crossOriginOpenerPolicy: issuer === undefined,
    }),
  );
  fastify.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(headers);
    done();
  });
}

function headersOf(middleware: ReturnType<typeof helmet>): Record<string, string> {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  middleware(request, response, (error) => {
    if (error !== undefined) throw error as Error;
  });
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
}

/** Swagger UI uses inline styles and requests tokens from the issuer; everything else comes from this origin. */
function contentSecurity(issuer: string | undefined) {
  return {
    'default-src': ["'self'"],
    'connect-src': ["'self'", ...(issuer === undefined ? [] : [new URL(issuer).origin])],
    'script-src': ["'self'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:'],
    'frame-ancestors': ["'none'"],
    // On loopback there is only plain HTTP.
    'upgrade-insecure-requests': null,
  };
}

interface KnownRoute {
  readonly url: string;
  readonly parts: readonly string[];
  readonly methods: readonly string[];
}

/** Answers 405 with `Allow`, not 404, for an unknown method of a known path. Call it before the routes are registered. */
function rejectUnknownMethods(fastify: FastifyInstance): void {
  const routes: KnownRoute[] = [];
  fastify.addHook('onRoute', ({ url, method }) => {
    // Skip the catch-all routes of plug-ins.
    if (!url.includes('*')) routes.push({ url, parts: url.split('/'), methods: [method].flat() });
  });
  fastify.addHook('onRequest', ({ is404, method, url, routeOptions }, _reply, done) => {
    const path = url.split('?')[0] ?? '';
    // A parameter route may match a path that has its own route, such as `batch-get` as an id.
    const isTaken = routeOptions.url?.includes(':') === true;
    if (!is404 && !isTaken) return done();
    const matching = routes.filter((route) => (is404 ? isAt(path.split('/'), route.parts) : isItself(path, route)));
    const allowed = new Set(matching.flatMap(({ methods }) => methods));
    if (allowed.size === 0) return done();
    const Allow = [...allowed].toSorted().join(', ');
    const detail = `${path} supports ${Allow}, not ${method}.`;
    done(new Problem(HttpStatus.METHOD_NOT_ALLOWED, 'method-not-allowed', detail, {}, { Allow }));
  });
}

function isItself(path: string, { url }: KnownRoute): boolean {
  return url === path && !path.includes(':');
}

/** Matches a path with a route; `:id` in `/v1/orders/:id` matches any one segment. */
function isAt(path: readonly string[], route: readonly string[]): boolean {
  return path.length === route.length && route.every((part, at) => part === path[at] || part.startsWith(':'));
}

const NOT_MODIFIED = 304;

/** Destroys the stream. For a HEAD request Fastify would read it to its end, even after the client has disconnected. */
function endedUnread(stream: Readable): Readable {
  stream.destroy();
  return Readable.from([]);
}

/**
 * Adds an `ETag` to buffered responses, and answers 304 if the client has the response already (RFC 9110, section 13.1.2). The
 * tag is weak, since the same response can be sent compressed or not. Only for `GET` and `HEAD`: `@fastify/etag` also turns
 * the response to a POST into a 304.
 */
function answerConditionalGets(fastify: FastifyInstance): void {
  fastify.addHook('onSend', ({ method, headers }, reply, payload, done) => {
    if (method === 'HEAD' && payload instanceof Readable) return done(null, endedUnread(payload));
    const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload);
    if (!isWhole || reply.statusCode !== 200 || (method !== 'GET' && method !== 'HEAD')) return done(null, payload);
    const etag = reply.getHeader('etag') ?? `W/"${hash('sha1', payload, 'base64url')}"`;
    void reply.header('etag', etag);
    // Ignore `Cache-Control`: it is meant for caches, and `fetch` adds `no-cache` to requests with an ETag.
    const ifNoneMatch = headers['if-none-match'];
    if (ifNoneMatch === undefined || !fresh({ 'if-none-match': ifNoneMatch }, { etag })) return done(null, payload);
    void reply.code(NOT_MODIFIED).removeHeader('content-length').removeHeader('content-type');
    done(null, null);
  });
}
