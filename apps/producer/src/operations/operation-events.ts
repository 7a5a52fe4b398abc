import { createHash } from 'node:crypto';
import { type Clock, pause } from '@orders-pipeline/clock';
import type { FollowedOperation } from './operation-progress.js';
import type { OperationResponse } from './operation-response.js';

const POLL_INTERVAL_MS = 1_000;
/** Interval of keep-alive comments, in ms: proxies close quiet connections. */
const KEEP_ALIVE_MS = 15_000;

interface EventsOptions {
  readonly read: () => Promise<FollowedOperation>;
  /** The id of the last received event, from the header `Last-Event-ID`. */
  readonly lastEventId: string | undefined;
  /** Ends the stream when the service stops. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/**
 * Streams an operation as server-sent events (WHATWG HTML, "Server-sent events"). Reads the operation once a second, and sends
 * `progress` with the whole operation when it has changed. Sends `done` when the operation is final, and ends.
 *
 * An event's id is a digest of its content, so a client that reconnects, to any instance, only receives newer events.
 */
export async function* operationEvents({ read, lastEventId, signal, clock }: EventsOptions): AsyncGenerator<string> {
  let lastId = lastEventId;
  let quietSince = clock.now();
  while (!signal.aborted) {
    const { operation, isFinal } = await read();
    const id = toEventId(operation);
    if (id !== lastId || isFinal) {
      lastId = id;
      quietSince = clock.now();
      yield toEvent(isFinal ? 'done' : 'progress', id, operation);
      if (isFinal) return;
    } else if (clock.now() - quietSince >= KEEP_ALIVE_MS) {
      quietSince = clock.now();
      yield ': still here\n\n';
    }
    await pause(clock, POLL_INTERVAL_MS);
  }
}

/** Whether the client has already received the final event. */
export function isOver({ operation, isFinal }: FollowedOperation, lastEventId: string | undefined): boolean {
  return isFinal && toEventId(operation) === lastEventId;
}

/** Returns a digest of the operation, without the fields that only change with time. */
function toEventId({
  ratePerSecond: _rate,
  etaSeconds: _eta,
  behindScheduleSeconds: _behind,
  savedAsOf: _asOf,
  ...operation
}: OperationResponse): string {
  return createHash('sha256').update(JSON.stringify(operation)).digest('base64url').slice(0, 16);
}

function toEvent(name: string, id: string, operation: OperationResponse): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(operation)}\n\n`;
}
