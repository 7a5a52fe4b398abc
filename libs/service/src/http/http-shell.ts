import compress from '@fastify/compress';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import { HttpStatus } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuthSettings } from '../auth/auth-settings.js';
import { authenticate } from '../auth/authenticate.js';
import { describeProtectedResource } from '../auth/protected-resource.js';
import { tokenVerifier } from '../auth/discovered-keys.js';
import { Problem } from '../problem.js';
import type { HttpSettings } from '../settings.js';
import { answerConditionalGets } from './conditional-get.js';
import { refuseForeignHosts } from './known-hosts.js';
import { refuseUnknownMethods } from './known-methods.js';
import { isWellEncoded } from './query-string.js';
import { tellRequestIds } from './request-ids.js';

/** Below it the headers that tell of the compression cost more than it saves. */
const COMPRESSED_FROM_BYTES = 1_024;
const MINUTE_MS = 60_000;

/** What every request passes before it comes to a handler, and every answer on its way back. */
export async function setUpHttp(fastify: FastifyInstance, settings: HttpSettings, auth?: AuthSettings): Promise<void> {
  const issuer = auth?.AUTH_ISSUER;
  tellRequestIds(fastify);
  refuseUnknownMethods(fastify);
  await fastify.register(helmet, {
    contentSecurityPolicy: { directives: contentSecurity(issuer) },
    // A login is a window of the issuer's, which must find its way back to the Swagger UI that opened it.
    crossOriginOpenerPolicy: issuer === undefined,
  });
  await fastify.register(cors, { origin: [...settings.CORS_ORIGINS], exposedHeaders: EXPOSED_HEADERS });
  // With tokens no page can do more than its own token allows; without `auth` there is nothing to protect.
  if (auth !== undefined && issuer === undefined)
    refuseForeignHosts(fastify, { hosts: settings.ALLOWED_HOSTS, origins: settings.CORS_ORIGINS });
  authenticate(
    fastify,
    auth === undefined || issuer === undefined ? null : tokenVerifier({ ...auth, AUTH_ISSUER: issuer }),
  );
  if (auth !== undefined) describeProtectedResource(fastify, auth);
  await limitRates(fastify, settings.RATE_LIMIT_PER_MINUTE);
  fastify.addHook('onRequest', refuseBadEncoding);
  answerConditionalGets(fastify);
  await fastify.register(compress, {
    threshold: COMPRESSED_FROM_BYTES,
    encodings: ['br', 'gzip'],
    // Uploads are read from the socket as they come: a decompressor beside them would keep what it took.
    globalDecompression: false,
  });
}

/** Swagger UI has styles of its own in its elements, and asks the issuer for tokens; all else comes from here. */
function contentSecurity(issuer: string | undefined) {
  return {
    'default-src': ["'self'"],
    'connect-src': ["'self'", ...(issuer === undefined ? [] : [new URL(issuer).origin])],
    'script-src': ["'self'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:'],
    'frame-ancestors': ["'none'"],
    // Over plain HTTP on loopback there is nothing to upgrade to.
    'upgrade-insecure-requests': null,
  };
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
    // Whoever watches a service must not be turned away for what others do.
    keyGenerator: ({ caller, ip }: FastifyRequest) => caller?.subject ?? normalizeIP(ip),
    allowList: ({ url }: FastifyRequest) => url.startsWith('/health/') || url === '/metrics',
    errorResponseBuilder: (_request, { max, ttl }) =>
      new Problem(
        HttpStatus.TOO_MANY_REQUESTS,
        'too-many-requests',
        `More than ${max} requests in a minute (setting RATE_LIMIT_PER_MINUTE). Try again in ${Math.ceil(ttl / 1_000)} s.`,
      ),
  });
}

/** The router can't refuse it: what its parser throws would end the process. */
async function refuseBadEncoding({ url }: FastifyRequest): Promise<void> {
  const at = url.indexOf('?');
  if (at === -1 || isWellEncoded(url.slice(at + 1))) return;
  throw new Problem(HttpStatus.BAD_REQUEST, 'bad-encoding', 'The query is no percent-encoded UTF-8.');
}
