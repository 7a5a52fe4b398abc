import { consumerHeap } from '../../dev/supervisor/app-definitions.js';
import type { Heap } from '../../dev/supervisor/app-process.js';
import type { InFlight } from '../contenders/job.js';

/** Returns the heap that `npm start` gives a consumer with this in-flight limit. */
export function heapFor(inFlight: InFlight): Heap {
  return consumerHeap({ IN_FLIGHT_LIMIT: String(inFlight) });
}

/** For contenders that do not bound their memory. A smaller young generation makes them up to a quarter slower. */
export const UNBOUNDED_HEAP: Heap = { youngMiB: 64 };
