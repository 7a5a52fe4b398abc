import type { IncomingMessage, ServerOptions } from 'node:http';
import { HttpStatus } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import { Problem } from './problem.js';

/** How slowly a client may send a request. */
export interface BodyTimeLimits {
  /** The time for a whole JSON body, and the period over which the rate of other bodies is measured. */
  readonly milliseconds: number;
  /** The rate of other bodies, such as files, in each period. They may be gigabytes, so that they have no limit in total. */
  readonly bytesPerSecond: number;
}

/** Node checks for late headers this often. */
const CHECK_HEADERS_MS = 2_000;
/** A connection that is silent for this long is probed by TCP, so that one whose client has disappeared is closed. */
const PROBE_AFTER_MS = 60_000;

/** Node reads at most this number of bytes at once from a connection. */
const LARGEST_CHUNK = 65_536;
/** A body is refused at most this part of a period too late. */
const CHECKS_PER_PERIOD = 10;

/** Node's server options: limits the time for a request's headers, and closes connections whose client has disappeared. */
export function connectionLimits(headersTimeout: number): ServerOptions {
  const connectionsCheckingInterval = Math.min(CHECK_HEADERS_MS, headersTimeout);
  return { headersTimeout, connectionsCheckingInterval, keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS };
}

/** A body that is being received. */
interface IncomingBody {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly isJson: boolean;
  /** The begin of the current period, and the bytes of the connection until then. */
  since: number;
  bytesBefore: number;
}

/**
 * Answers a body that arrives too slowly with 408, and closes its connection. A time during which the service does not read, such as while
 * MongoDB is away, is not counted against an upload. One timer checks all bodies: most are complete before it sees them.
 */
export function refuseSlowBodies(fastify: FastifyInstance, limits: BodyTimeLimits, clock: Clock = systemClock): void {
  const bodies = new Map<FastifyRequest, IncomingBody>();
  const interval = Math.ceil(limits.milliseconds / CHECKS_PER_PERIOD);
  const check = (): void => {
    for (const body of bodies.values()) {
      if (isReceived(body)) bodies.delete(body.request);
      else if (isTooSlow(body, limits, clock.now())) {
        bodies.delete(body.request);
        void body.reply.header('Connection', 'close').send(tooSlow(body, limits));
      }
    }
    cancel = clock.after(interval, check);
  };
  let cancel = clock.after(interval, check);
  fastify.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    if (hasBody(raw)) {
      const isJson = /^application\/json\b/i.test(request.headers['content-type'] ?? '');
      // The body may have begun in the chunk of the headers, which counts for the first period.
      const bytesBefore = Math.max(0, raw.socket.bytesRead - LARGEST_CHUNK);
      bodies.set(request, { request, reply, isJson, since: clock.now(), bytesBefore });
    }
    done();
  });
  fastify.addHook('onResponse', (request, _reply, done) => {
    bodies.delete(request);
    done();
  });
  fastify.addHook('onClose', (_instance, done) => {
    cancel();
    done();
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isReceived({ request: { raw }, reply }: IncomingBody): boolean {
  return raw.complete || raw.destroyed || reply.sent;
}

function isTooSlow(body: IncomingBody, { milliseconds, bytesPerSecond }: BodyTimeLimits, now: number): boolean {
  const { raw } = body.request;
  if (body.isJson) return now - body.since >= milliseconds;
  // Bytes are waiting: the service reads slower than the client sends.
  const isUnread = raw.readableLength > 0;
  if (!isUnread && now - body.since < milliseconds) return false;
  const bytes = raw.socket.bytesRead - body.bytesBefore;
  if (!isUnread && bytes < (bytesPerSecond * milliseconds) / 1_000) return true;
  body.since = now;
  body.bytesBefore = raw.socket.bytesRead;
  return false;
}

function tooSlow({ isJson }: IncomingBody, { milliseconds, bytesPerSecond }: BodyTimeLimits): Problem {
  const seconds = milliseconds / 1_000;
  const detail = isJson
    ? `The body did not arrive within ${seconds} s (setting REQUEST_TIMEOUT_SECONDS).`
    : `The body arrived with less than ${bytesPerSecond} bytes per second for ${seconds} s (settings UPLOAD_MIN_BYTES_PER_SECOND and REQUEST_TIMEOUT_SECONDS).`;
  return new Problem(HttpStatus.REQUEST_TIMEOUT, 'body-too-slow', detail);
}
