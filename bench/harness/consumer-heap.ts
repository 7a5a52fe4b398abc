import { consumerHeapMiB } from '../../dev/supervisor/app-definitions.js';
import type { InFlight } from '../contenders/job.js';

/** The highest limit that the engine finds by itself. */
const HIGHEST_AUTO = 10_000;

/** The heap that `npm start` gives a consumer with such a limit, in MiB. */
export function heapFor(inFlight: InFlight): number {
  return consumerHeapMiB({ IN_FLIGHT_LIMIT: String(inFlight === 'auto' ? HIGHEST_AUTO : inFlight) });
}
