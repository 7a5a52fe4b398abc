import type { Difference } from './difference.js';
import type { IntervalFinding } from './interval-check.js';

/** More intervals with open writes are not put off: the verification waits for them first. */
export const MAX_PUT_OFF = 1_000;

/** How far a verification is. It is stored, so that another process can continue. */
export interface VerificationProgress {
  /** The highest legacy number that is compared. */
  readonly upTo: number;
  /** All numbers below have been compared, except those of `putOff`. */
  readonly next: number;
  /** First numbers of the intervals in which a write was on its way. */
  readonly putOff: readonly number[];
  readonly orders: { readonly legacy: number; readonly new: number };
  /** How many differences there are of each kind. */
  readonly differences: Readonly<Partial<Record<Difference['kind'], number>>>;
}

/** Returns the progress of a verification that begins. */
export function newProgress(upTo: number): VerificationProgress {
  return { upTo, next: 1, putOff: [], orders: { legacy: 0, new: 0 }, differences: {} };
}

/** Returns the progress after the next interval was checked. */
export function afterNext(progress: VerificationProgress, finding: IntervalFinding): VerificationProgress {
  const { interval, open } = finding;
  const moved = { ...progress, next: interval.to + 1 };
  return open !== undefined ? { ...moved, putOff: [...progress.putOff, interval.from] } : withFinding(moved, finding);
}

/** Returns the progress after an interval that was put off was checked again. */
export function afterPutOff(progress: VerificationProgress, finding: IntervalFinding): VerificationProgress {
  if (finding.open !== undefined) return progress;
  const putOff = progress.putOff.filter((from) => from !== finding.interval.from);
  return withFinding({ ...progress, putOff }, finding);
}

function withFinding(progress: VerificationProgress, { orders, differences }: IntervalFinding): VerificationProgress {
  const counts = { ...progress.differences };
  for (const { kind } of differences) counts[kind] = (counts[kind] ?? 0) + 1;
  const sum = { legacy: progress.orders.legacy + orders.legacy, new: progress.orders.new + orders.new };
  return { ...progress, orders: sum, differences: counts };
}

/** Returns how many differences were found. */
export function countDifferences({ differences }: VerificationProgress): number {
  return Object.values(differences).reduce((sum, count) => sum + count, 0);
}

/** The result of a verification: `open` if writes were still on their way after the wait. */
export type VerificationResult = 'equal' | 'different' | 'open';

/** Returns the result of a verification that has ended. */
export function resultOf(progress: VerificationProgress): VerificationResult {
  if (countDifferences(progress) > 0) return 'different';
  return progress.putOff.length > 0 ? 'open' : 'equal';
}
