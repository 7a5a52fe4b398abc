import { consumerHeap } from '../../dev/supervisor/app-definitions.js';
import type { Heap } from '../../dev/supervisor/app-process.js';
import type { InFlight } from '../contenders/job.js';

/** The heap that `npm start` gives a consumer with such a limit. */
export function heapFor(inFlight: InFlight): Heap {
  return consumerHeap({ IN_FLIGHT_LIMIT: String(inFlight) });
}

/** As much young heap as a consumer has, and of the old as much as the machine: for what bounds nothing. */
export const UNBOUNDED_HEAP: Heap = { youngMiB: consumerHeap({}).youngMiB };
