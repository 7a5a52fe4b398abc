import type { Lease } from '#orders/operation/segments.js';

/** Duration of a lease, in ms. Other processes can claim the work of a silent process after this time. */
const LEASE_MS = 10_000;

/** This process no longer holds the lease: another process claimed the work, or the work has ended. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'lease-lost';
}

/** Creates a lease that starts now. @param now MongoDB's time, which all processes use to compare leases */
export function createLease(owner: string, now: Date): Lease {
  return { owner, expiresAt: new Date(now.getTime() + LEASE_MS) };
}
