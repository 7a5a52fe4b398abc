import { createHash } from 'node:crypto';
import { pause, type Clock } from '#parallel-consumer/clock.js';
import type { OperationResponse } from './operation-response.js';
import type { FollowedOperation } from './operation-view.js';

const EVERY_MS = 1_000;
/** A comment keeps proxies from taking a quiet stream for a dead one. */
const KEEP_ALIVE_MS = 15_000;

export interface EventsOptions {
  readonly look: () => Promise<FollowedOperation>;
  /** What the client has seen last, from its header `Last-Event-ID`. */
  readonly lastEventId: string | undefined;
  /** Ends the stream: the service stops, or the client is gone. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/**
 * An operation as server-sent events (WHATWG HTML, "Server-sent events"): one `progress` with all of it whenever it has changed,
 * looked at once a second, and a `done` once nothing will change any more; then the stream ends.
 *
 * An event's id is a digest of what it says, so a client that comes back, to whichever instance, is told only what is new to it.
 */
export async function* operationEvents({ look, lastEventId, signal, clock }: EventsOptions): AsyncGenerator<string> {
  let seen = lastEventId;
  let quietSince = clock.now();
  while (!signal.aborted) {
    const { operation, isSettled } = await look();
    const id = idOf(operation);
    if (id !== seen || isSettled) {
      seen = id;
      quietSince = clock.now();
      yield eventOf(isSettled ? 'done' : 'progress', id, operation);
      if (isSettled) return;
    } else if (clock.now() - quietSince >= KEEP_ALIVE_MS) {
      quietSince = clock.now();
      yield ': still here\n\n';
    }
    await pause(clock, EVERY_MS);
  }
}

/** Whether there is nothing to tell after the event that was seen last. */
export function isOver({ operation, isSettled }: FollowedOperation, lastEventId: string | undefined): boolean {
  return isSettled && idOf(operation) === lastEventId;
}

/** Not of what changes with time alone. */
function idOf({
  ratePerSecond: _rate,
  etaSeconds: _eta,
  behindScheduleSeconds: _behind,
  savedAsOf: _asOf,
  ...operation
}: OperationResponse): string {
  return createHash('sha256').update(JSON.stringify(operation)).digest('base64url').slice(0, 16);
}

function eventOf(name: string, id: string, operation: OperationResponse): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(operation)}\n\n`;
}
