import compress from '@fastify/compress';
import cors from '@fastify/cors';
import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import { HttpStatus } from '@nestjs/common';
import type { DoneFuncWithErrOrRes, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuthSettings } from '../auth/auth-settings.js';
import { authenticate } from '../auth/authenticate.js';
import { describeProtectedResource } from '../auth/protected-resource.js';
import { tokenVerifier } from '../auth/discovered-keys.js';
import { Problem } from '../problem.js';
import type { HttpSettings } from '../settings.js';
import { answerConditionalGets } from './conditional-get.js';
import { acceptEmptyJsonBodies } from './empty-json-body.js';
import { refuseForeignHosts } from './known-hosts.js';
import { refuseUnknownMethods } from './known-methods.js';
import { protectAnswers } from './protective-headers.js';
import { isWellEncoded } from './query-string.js';
import { addRequestIdHeader } from './request-ids.js';
import { drainUnreadBodies } from './unread-bodies.js';

/** Below it the headers that tell of the compression cost more than it saves. */
const COMPRESSED_FROM_BYTES = 1_024;
const MINUTE_MS = 60_000;

/** What every request passes before it comes to a handler, and every answer on its way back. */
export async function setUpHttp(fastify: FastifyInstance, settings: HttpSettings, auth?: AuthSettings): Promise<void> {
  const issuer = auth?.AUTH_ISSUER;
  acceptEmptyJsonBodies(fastify);
  addRequestIdHeader(fastify);
  protectAnswers(fastify, issuer);
  refuseUnknownMethods(fastify);
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
  fastify.addHook('onRequest', refuseCompressedBodies);
  answerConditionalGets(fastify);
  drainUnreadBodies(fastify);
  await fastify.register(compress, {
    threshold: COMPRESSED_FROM_BYTES,
    encodings: ['br', 'gzip'],
    // Uploads are read from the socket as they come: a decompressor beside them would keep what it took.
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
function refuseBadEncoding({ url }: FastifyRequest, _reply: FastifyReply, done: DoneFuncWithErrOrRes): void {
  const at = url.indexOf('?');
  if (at === -1 || isWellEncoded(url.slice(at + 1))) done();
  else done(new Problem(HttpStatus.BAD_REQUEST, 'bad-encoding', 'The query is no percent-encoded UTF-8.'));
}

/** Bodies are small, or files that are compressed already: a decompressor would only be one more way to make much of little. */
function refuseCompressedBodies({ headers }: FastifyRequest, _reply: FastifyReply, done: DoneFuncWithErrOrRes): void {
  const coding = headers['content-encoding'] ?? 'identity';
  const detail = `A body is taken as it is, not in the coding ${coding.slice(0, 20)}.`;
  if (/^identity$/i.test(coding)) done();
  // RFC 9110, 15.5.16: the header tells what would have been taken.
  else
    done(
      new Problem(HttpStatus.UNSUPPORTED_MEDIA_TYPE, 'compressed-body', detail, {}, { 'Accept-Encoding': 'identity' }),
    );
}
