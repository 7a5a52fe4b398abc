import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';

/** How much of a body is read, and for how long, after its request was answered. */
export interface DrainLimits {
  readonly bytes: number;
  readonly milliseconds: number;
}

/** Below the 18 s that a service may take to stop. */
const LIMITS: DrainLimits = { bytes: 64 * 1024 * 1024, milliseconds: 10_000 };

/**
 * Reads and drops the rest of a body that an answer did not need, such as that of a 413, before the answer ends. Node closes the connection
 * with the end of the answer, and unread bytes then reset it (RFC 9112, 9.6): a client that is still writing would see a broken pipe instead
 * of the answer. The client has the whole answer before, and may stop. Beyond the limits, and when the service stops, the connection is closed.
 */
export function drainUnreadBodies(fastify: FastifyInstance, { bytes, milliseconds }: DrainLimits = LIMITS): void {
  const stopping = new AbortController();
  fastify.addHook('preClose', (done) => {
    stopping.abort();
    done();
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const isText = typeof payload === 'string' || Buffer.isBuffer(payload);
    if (!isUnread(request.raw) || !(isText || payload instanceof Readable)) return done(null, payload);
    // A stream has no length of its own, and a compressor would hold the answer back until the stream ends.
    if (isText) void reply.header('content-length', Buffer.byteLength(payload));
    request.headers['x-no-compression'] = 'true';
    const { socket } = request.raw;
    const drain = async (): Promise<void> => {
      const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(milliseconds)]);
      if (await isDrained(request.raw, bytes, signal)) return;
      // Also where the answer itself did not announce it.
      reply.raw.once('finish', () => socket.destroySoon());
    };
    done(null, Readable.from(thenDrain(isText ? [payload] : payload, drain)));
  });
}

function isUnread({ headers, complete }: IncomingMessage): boolean {
  const isAnnounced = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return isAnnounced && !complete;
}

async function* thenDrain(
  answer: Iterable<unknown> | AsyncIterable<unknown>,
  drain: () => Promise<void>,
): AsyncGenerator {
  yield* answer;
  await drain();
}

/** Resolves to false when there was more than `maxBytes`, or the signal came first. */
async function isDrained(request: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let bytes = 0;
  // The former reader takes no more.
  request.unpipe();
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) resolve(false);
  });
  request.once('end', () => resolve(true)).once('close', () => resolve(true));
  signal.addEventListener('abort', () => resolve(false), { once: true });
  if (signal.aborted) resolve(false);
  request.resume();
  return promise;
}
