import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import fresh from 'fresh';

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
export function answerConditionalGets(fastify: FastifyInstance): void {
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
