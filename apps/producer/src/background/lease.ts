import type { Lease } from '#orders/segments.js';

/** How long a process that fell silent keeps its work from the others, in ms. */
const LEASE_MS = 10_000;

/** This process no longer holds the work: another one does, or nobody has to. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'lease-lost';
}

/** A lease from now on. @param now by the clock that all who look at leases go by: MongoDB's */
export function leaseOf(owner: string, now: Date): Lease {
  return { owner, expiresAt: new Date(now.getTime() + LEASE_MS) };
}
