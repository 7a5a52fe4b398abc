import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import fresh from 'fresh';

const NOT_MODIFIED = 304;

/** Fastify reads a stream to its end to answer a HEAD with nothing of it, also when nobody is there any more. */
function endedUnread(stream: Readable): Readable {
  stream.destroy();
  return Readable.from([]);
}

/**
 * Gives answers that were read whole an `ETag`, and nothing but 304 to whoever has them already (RFC 9110, 13.1.2). Weak, since the same
 * answer can leave compressed or not. Of `GET` and `HEAD` only: `@fastify/etag` turns the answer to a POST into a 304 too.
 */
export function answerConditionalGets(fastify: FastifyInstance): void {
  fastify.addHook('onSend', async ({ method, headers }, reply, payload) => {
    if (method === 'HEAD' && payload instanceof Readable) return endedUnread(payload);
    const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload);
    if (!isWhole || reply.statusCode !== 200 || (method !== 'GET' && method !== 'HEAD')) return payload;
    const etag = reply.getHeader('etag') ?? `W/"${hash('sha1', payload, 'base64url')}"`;
    void reply.header('etag', etag);
    // Not its `Cache-Control`: that speaks to caches on the way, and `fetch` adds a `no-cache` to whoever asks with an ETag.
    const asked = headers['if-none-match'];
    if (asked === undefined || !fresh({ 'if-none-match': asked }, { etag })) return payload;
    void reply.code(NOT_MODIFIED).removeHeader('content-length').removeHeader('content-type');
    return null;
  });
}
