import { pause, type Clock } from '@orders-pipeline/clock';
import type { IntakeBatch } from '#orders/numbering/intake-batches.js';
import { keyReused } from './intake-problems.js';
import type { IntakeStore } from './intake-store.js';
import type { PendingRequest } from './pending-request.js';

const POLL_INTERVAL_MS = 50;

/** Answers requests whose Idempotency-Key is in a stored batch with the orders of that batch. */
export class RepeatedRequests {
  constructor(
    private readonly store: Pick<IntakeStore, 'findByKeys'>,
    private readonly clock: Clock,
  ) {}

  /** @returns the requests that are not repeated. @throws the error of the store */
  async settle(requests: readonly PendingRequest[]): Promise<PendingRequest[]> {
    const keys = requests.flatMap(({ content }) => content.keyed?.key ?? []);
    if (keys.length === 0) return [...requests];
    const batches = await this.store.findByKeys(keys);
    if (batches.length === 0) return [...requests];
    return requests.filter((request) => {
      const batch = batches.find((each) => requestIn(each, request) !== undefined);
      if (batch !== undefined && !settleFrom(batch, request)) void this.await(request);
      return batch === undefined;
    });
  }

  /** Waits until another process, or another batch of this one, has sent the batch. The request's own time-out ends the wait. */
  private async await(request: PendingRequest): Promise<void> {
    const keys = request.content.keyed === undefined ? [] : [request.content.keyed.key];
    while (!request.isSettled) {
      await pause(this.clock, POLL_INTERVAL_MS);
      try {
        const [batch] = await this.store.findByKeys(keys);
        if (batch === undefined || settleFrom(batch, request)) break;
      } catch {
        // MongoDB is unavailable. The orders are stored, but not known to be on the topic.
        break;
      }
    }
    if (!request.isSettled) request.failAsUnknown();
  }
}

function requestIn({ requests }: IntakeBatch, { content }: PendingRequest) {
  return requests?.find(({ key }) => key === content.keyed?.key);
}

/** @returns false if the orders are not acknowledged yet */
function settleFrom(batch: IntakeBatch, request: PendingRequest): boolean {
  const earlier = requestIn(batch, request);
  if (earlier === undefined) return false;
  if (earlier.request !== request.content.keyed?.request) request.fail(keyReused());
  else if (batch.state !== 'acknowledged') return false;
  else request.accept(batch.operationId, batch._id + earlier.at);
  return true;
}
