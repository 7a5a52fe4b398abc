import compress from '@fastify/compress';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import { HttpStatus } from '@nestjs/common';
import type { DoneFuncWithErrOrRes, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuthSettings } from '../auth/auth-settings.js';
import { authenticate, rejectBodiesWithoutToken } from '../auth/authenticate.js';
import { describeProtectedResource } from '../auth/protected-resource.js';
import type { TokenVerifier } from '../auth/token-verifier.js';
import { Problem } from './problem.js';
import type { HttpSettings } from '../settings/settings.js';
import { isAdminPath } from './admin-port.js';
import { callerKey } from './caller-key.js';
import { answerConditionalGets } from './conditional-get.js';
import { acceptEmptyJsonBodies } from './empty-json-body.js';
import { rejectForeignHosts } from './known-hosts.js';
import { rejectUnknownMethods } from './known-methods.js';
import { protectAnswers } from './protective-headers.js';
import { isWellEncoded } from './query-string.js';
import { addRequestIdHeader } from './request-ids.js';
import { limitTransfers } from './transfer-limits.js';
import { drainUnreadBodies } from './unread-bodies.js';

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
