import { Readable } from 'node:stream';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { HttpStatus, Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { Problem } from './problem.js';

/** How slowly a client may send a request, and read its response. */
interface TransferLimits {
  /** The time for a whole JSON body, and the period over which the rate of other bodies is measured, in ms. */
  readonly bodyMs: number;
  /** The rate of other bodies, such as files, in each period. They may be gigabytes, so that they have no limit in total. */
  readonly bodyBytesPerSecond: number;
  /** The period over which the rate of a response is measured, in ms. Default: 30 s. */
  readonly responseMs?: number;
  /** How long a response, and the body of a request, may continue after the service has begun to close, in ms. Default: 5 s. */
  readonly drainMs?: number;
}

const RESPONSE_MS = timeLimit(30_000);
/** A client that takes less of a response than this, while bytes of it are pending, has stopped reading. */
const RESPONSE_BYTES_PER_SECOND = 1_024;
/** Less than the 18 s that a service may take to stop. */
const DRAIN_MS = timeLimit(5_000);
/** Node reads at most this number of bytes at once from a connection. */
const LARGEST_CHUNK = 65_536;
/** A transfer is ended at most two of these parts of a period too late. */
const CHECKS_PER_PERIOD = 15;

/** Replies whose response has begun. Fastify knows it only once the response has ended, and sends what is given to it until then. */
const answered = new WeakSet<object>();

/** Returns whether a response has begun: a second one would be written behind it. */
export function isAnswered(reply: object): boolean {
  return answered.has(reply);
}

/**
 * Ends every request and response that would hold its connection and its place for ever:
 * - a body that arrives too slowly is answered with 408. A time during which the service does not read, such as while MongoDB is
 *   unavailable, is not counted against an upload;
 * - a response is cut when its client has stopped reading: bytes are pending, and less than 1 KiB/s were taken over 30 s. A response without
 *   pending bytes, such as a quiet event stream, may stay open;
 * - a response ends when the token of its caller expires. An event stream ends by its last chunk; others lack it, so that the client knows
 *   that parts are missing;
 * - what is still being sent or received some seconds after the service has begun to close is cut.
 *
 * One timer checks all requests: most have their response before it sees them.
 * @param sendQueues reads what the kernel has not yet delivered
 */
export function limitTransfers(
  fastify: FastifyInstance,
  limits: TransferLimits,
  clock: Clock = systemClock,
  sendQueues = readSendQueues,
): void {
  const { responseMs = RESPONSE_MS, drainMs = DRAIN_MS } = limits;
  const transfers = new Map<FastifyRequest, Transfer>();
  const interval = Math.ceil(Math.min(limits.bodyMs, responseMs) / CHECKS_PER_PERIOD);
  let drainedAt = Number.POSITIVE_INFINITY;
  let isClosed = false;

  const check = async (): Promise<void> => {
    const suspects: Transfer[] = [];
    for (const [request, transfer] of transfers) {
      const state = transfer.check(clock.now(), drainedAt);
      if (state === 'over') transfers.delete(request);
      else if (state === 'suspect') suspects.push(transfer);
    }
    if (suspects.length > 0) {
      const queued = await sendQueues();
      for (const suspect of suspects) suspect.cutIfStalled(queued, clock.now());
    }
    if (!isClosed) checkAfter(interval);
  };
  let cancel: (() => void) | undefined;
  const checkAfter = (milliseconds: number): void => {
    cancel?.();
    cancel = clock.after(milliseconds, () => void check());
  };
  checkAfter(interval);

  fastify.addHook('onRequest', (request, reply, done) => {
    transfers.set(request, new Transfer(request, reply, { ...limits, responseMs }, clock.now()));
    done();
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    answered.add(reply);
    if (payload instanceof Readable && /^text\/event-stream\b/.test(String(reply.getHeader('content-type'))))
      transfers.get(request)?.sends(payload);
    done(null, payload);
  });
  fastify.addHook('onResponse', (request, _reply, done) => {
    transfers.delete(request);
    done();
  });
  fastify.addHook('preClose', (done) => {
    drainedAt = clock.now() + drainMs;
    checkAfter(drainMs);
    done();
  });
  fastify.addHook('onClose', (_instance, done) => {
    isClosed = true;
    cancel?.();
    done();
  });
}

type State = 'running' | 'suspect' | 'over';
type Reason = 'stalled' | 'token-expired' | 'stopping';

/** A request that is being received, or whose response is being sent. */
class Transfer {
  private static readonly logger = new Logger('transfers');
  /** The begin of the current period, and the bytes of the connection until then. */
  private since: number;
  private bytesBefore: number;
  /** The bytes that the client had acknowledged at the begin of the period; `undefined` as long as it is not suspected. */
  private acknowledged: number | undefined;
  private eventStream: Readable | undefined;

  constructor(
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
    private readonly limits: TransferLimits & { readonly responseMs: number },
    now: number,
  ) {
    this.since = now;
    // The body may have begun in the chunk of the headers, which counts for the first period.
    this.bytesBefore = Math.max(0, request.raw.socket.bytesRead - LARGEST_CHUNK);
  }

  /** The response is this event stream. */
  sends(eventStream: Readable): void {
    this.eventStream = eventStream;
  }

  /** Ends the transfer if it must not continue. @returns `suspect` if `cutIfStalled` must judge it */
  check(now: number, drainedAt: number): State {
    const { request, reply } = this;
    if (reply.raw.writableFinished || request.raw.socket.destroyed) return 'over';
    const isReceiving = !request.raw.complete && !reply.sent && !isAnswered(reply);
    // The handler works. A service that stops waits for it.
    if (!reply.raw.headersSent && !isReceiving) return 'running';
    if (now >= drainedAt) return this.cut('stopping');
    return isReceiving ? this.checkBody(now) : this.checkResponse(now);
  }

  /** Cuts the response if its client has stopped reading. */
  cutIfStalled(queued: QueuedBytes, now: number): void {
    const { socket } = this.request.raw;
    const unacknowledged = queued(socket);
    // The next check judges it.
    if (unacknowledged === undefined) return;
    const acknowledged = acceptedBytes(socket) - unacknowledged;
    if (this.acknowledged !== undefined && acknowledged - this.acknowledged < this.fewestBytes) this.cut('stalled');
    else this.beginPeriod(now, acknowledged);
  }

  private checkBody(now: number): State {
    const { raw } = this.request;
    const { bodyMs, bodyBytesPerSecond } = this.limits;
    const isJson = /^application\/json\b/i.test(raw.headers['content-type'] ?? '');
    // Bytes are waiting: the service reads slower than the client sends.
    const isUnread = !isJson && raw.readableLength > 0;
    if (!isUnread && now - this.since < bodyMs) return 'running';
    const bytes = raw.socket.bytesRead - this.bytesBefore;
    if (isJson || (!isUnread && bytes < (bodyBytesPerSecond * bodyMs) / 1_000)) {
      void this.reply.header('Connection', 'close').send(tooSlow(isJson, this.limits));
      return 'running';
    }
    this.since = now;
    this.bytesBefore = raw.socket.bytesRead;
    return 'running';
  }

  private checkResponse(now: number): State {
    const { caller, raw } = this.request;
    const isPending = raw.socket.writableLength > 0;
    if (caller !== null && now >= caller.validUntil) return this.expire(isPending);
    const accepted = acceptedBytes(raw.socket);
    if (!isPending || accepted - this.bytesBefore >= this.fewestBytes) {
      this.beginPeriod(now, undefined);
      return 'running';
    }
    const isDue = this.acknowledged === undefined ? now > this.since : now - this.since >= this.limits.responseMs;
    return isDue ? 'suspect' : 'running';
  }

  /** The bytes that a client takes at least in a period. */
  private get fewestBytes(): number {
    return (RESPONSE_BYTES_PER_SECOND * this.limits.responseMs) / 1_000;
  }

  private beginPeriod(now: number, acknowledged: number | undefined): void {
    this.since = now;
    this.bytesBefore = acceptedBytes(this.request.raw.socket);
    this.acknowledged = acknowledged;
  }

  private expire(isPending: boolean): State {
    const { eventStream } = this;
    if (eventStream === undefined || isPending) return this.cut('token-expired');
    eventStream.push(null);
    // If its last chunk stays pending, it is cut.
    this.eventStream = undefined;
    return 'running';
  }

  private cut(reason: Reason): State {
    const { id, method, routeOptions, raw } = this.request;
    Transfer.logger.warn({ reason, requestId: id, method, route: routeOptions.url }, 'connection cut');
    // A reset: the kernel would keep the bytes of a mere `destroy` until the client has taken them.
    raw.socket.resetAndDestroy();
    return 'over';
  }
}

function tooSlow(isJson: boolean, { bodyMs, bodyBytesPerSecond }: TransferLimits): Problem {
  const seconds = bodyMs / 1_000;
  const detail = isJson
    ? `The body did not arrive within ${seconds} s (setting REQUEST_TIMEOUT_SECONDS).`
    : `The body arrived with less than ${bodyBytesPerSecond} bytes per second for ${seconds} s (settings UPLOAD_MIN_BYTES_PER_SECOND and REQUEST_TIMEOUT_SECONDS).`;
  return new Problem(HttpStatus.REQUEST_TIMEOUT, 'body-too-slow', detail);
}

/** Returns how many bytes of a connection the kernel holds, since its client has not acknowledged them; `undefined` if it is not known now. */
type QueuedBytes = (ports: {
  readonly localPort?: number | undefined;
  readonly remotePort?: number | undefined;
}) => number | undefined;

/** Node's own counters. `Socket.bytesWritten` counts a chunk as a whole as soon as it is written to the stream. */
interface SocketHandle {
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

/** Returns how many bytes of a connection the kernel has taken. */
export function acceptedBytes(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: SocketHandle | null };
  return handle ? handle.bytesWritten - handle.writeQueueSize : 0;
}

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** The ports of both ends, and the bytes that are sent or waiting and not acknowledged (Linux, "proc_net_tcp"). */
const CONNECTION = /^ *\d+: [\dA-F]+:([\dA-F]{4}) [\dA-F]+:([\dA-F]{4}) [\dA-F]{2} ([\dA-F]{8}):/gm;

/**
 * Reads the send queues of all connections. The kernel takes the next bytes only when a third of a queue of up to 4 MiB is free: without a
 * look into it, a client that reads 20 KiB/s seems to take nothing for a minute. Connections of two clients with the same port count
 * together. A reading can miss a connection while others come and go. Other systems than Linux have no such table: there, all queues are 0.
 */
export async function readSendQueues(): Promise<QueuedBytes> {
  const queued = new Map<string, number>();
  // One of the tables is absent where the kernel has no IPv6, and both on other systems.
  const tables = await Promise.all(TABLES.map(async (table) => readFile(table, 'latin1').catch(() => '')));
  for (const [, local = '', remote = '', bytes = ''] of tables.join('\n').matchAll(CONNECTION)) {
    const ports = `${parseInt(local, 16)} ${parseInt(remote, 16)}`;
    queued.set(ports, (queued.get(ports) ?? 0) + parseInt(bytes, 16));
  }
  return ({ localPort, remotePort }) => (queued.size === 0 ? 0 : queued.get(`${localPort} ${remotePort}`));
}
