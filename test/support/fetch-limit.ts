import { HANG_GUARD_MS } from './eventually.js';

/** Ends the fetch of a tool that hangs: it holds the lock of the cache, for which other specs wait. */
export function fetchLimit(): AbortSignal {
  // oxlint-disable-next-line no-restricted-properties -- the only limit of this kind: no test depends on how long a fetch takes.
  return AbortSignal.timeout(HANG_GUARD_MS);
}
