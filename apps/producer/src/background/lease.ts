import type { OperationDocument, Lease } from '#orders/operation/operation.js';
import { timeLimit } from '#orders/time-limit.js';

/** Duration of a lease, in ms. Other processes can claim the work of a silent process after this time. */
const LEASE_MS = timeLimit(10_000);

/** This process no longer holds the lease: another process claimed the work, or the work has ended. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'lease-lost';
}

/** Conditions on the fields of a part, by path in the part. */
export type PartConditions = Readonly<Record<string, unknown>>;

/** The part of an operation that one process at a time works on. It stores the fields `lease` and `epoch`. */
export interface LeasedPart<D extends OperationDocument, P extends { readonly epoch: number }> {
  /** The path of the part in updates, such as `segments.$`. */
  readonly path: string;
  /** Returns the filter of the operations whose part meets the conditions. */
  match(conditions: PartConditions): object;
  /** Returns the part of an operation; `undefined` if it has none. */
  find(operation: OperationDocument): { readonly operation: D; readonly part: P } | undefined;
}

/** Returns the `match` of a part that is a field of the operation. */
export function matchField(field: 'reading' | 'receiving' | 'redriving'): (conditions: PartConditions) => object {
  return (conditions) =>
    Object.fromEntries(Object.entries(conditions).map(([name, value]) => [`${field}.${name}`, value]));
}

/** Returns the condition that no process holds the lease of a part. */
export function isFree(now: Date): PartConditions {
  return { 'lease.expiresAt': { $not: { $gte: now } } };
}

/** Creates a lease that starts now. @param now MongoDB's time, which all processes use to compare leases */
export function createLease(owner: string, now: Date): Lease {
  return { owner, expiresAt: new Date(now.getTime() + LEASE_MS) };
}
