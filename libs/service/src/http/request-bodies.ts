import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { HttpStatus } from '@nestjs/common';

/** Returns whether a request announces a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * Accepts an empty body with `content-type: application/json`, which many HTTP clients send with every POST. The handler then
 * gets no body, as without the header; the schema of a route that needs a body rejects it.
 */
export function acceptEmptyJsonBodies(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else void parse(request, body, done);
  });
}

/** Limits for reading the rest of a request body after the response. */
export interface DrainLimits {
  readonly bytes: number;
  readonly milliseconds: number;
}

/** Less than the 18 s that a service may take to stop. */
const LIMITS: DrainLimits = { bytes: 64 * 1024 * 1024, milliseconds: 10_000 };

/**
 * Reads and drops the rest of an unread request body, such as after a 413, before the response ends. Node closes the connection
 * at the end of the response, and unread bytes then reset it (RFC 9112, section 9.6): a client that is still writing would get
 * a broken pipe instead of the response. The client receives the whole response before the drain and may stop writing. Beyond
 * the limits, and when the service stops, the connection is closed.
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
    // A stream has no length, and compression would delay the response until the stream ends.
    if (isText) void reply.header('content-length', Buffer.byteLength(payload));
    request.headers['x-no-compression'] = 'true';
    const { socket } = request.raw;
    const drain = async (): Promise<void> => {
      // The response to a body that was too slow does not wait for the rest of it.
      const patienceMs = reply.statusCode === HttpStatus.REQUEST_TIMEOUT.valueOf() ? 0 : milliseconds;
      const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(patienceMs)]);
      if (await isDrained(request.raw, bytes, signal)) return;
      // Close the connection even if the response has no `Connection: close`.
      reply.raw.once('finish', () => socket.destroySoon());
    };
    done(null, Readable.from(thenDrain(isText ? [payload] : payload, drain)));
  });
}

function isUnread(request: IncomingMessage): boolean {
  return hasBody(request) && !request.complete;
}

async function* thenDrain(
  response: Iterable<unknown> | AsyncIterable<unknown>,
  drain: () => Promise<void>,
): AsyncGenerator {
  yield* response;
  await drain();
}

/** Resolves to false if there were more than `maxBytes`, or if the signal was aborted first. */
async function isDrained(request: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let bytes = 0;
  // Detach the previous reader.
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
