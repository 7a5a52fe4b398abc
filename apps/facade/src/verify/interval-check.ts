import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { NumberInterval } from '../reads/number-interval.js';
import { compareInterval } from './compare-interval.js';
import type { Difference } from './difference.js';
import type { VerifiedSides } from './verified-sides.js';

/** What was found in an interval of numbers. */
export interface IntervalFinding {
  readonly interval: NumberInterval;
  readonly orders: { readonly legacy: number; readonly new: number };
  /** The differences that are there to stay. */
  readonly differences: readonly Difference[];
  /** An admitted write is still on its way: the interval must be checked again. */
  readonly isOpen: boolean;
}

/**
 * Compares both sides in an interval of legacy numbers.
 *
 * The two sides are read one after the other, so that a write between the reads looks like a difference. Therefore a difference counts
 * only if its number differs again in a second reading that began after all writes of the first one were on both sides.
 */
export async function checkInterval(
  interval: NumberInterval,
  sides: VerifiedSides,
  zone: LegacyTimeZone,
  signal: AbortSignal,
): Promise<IntervalFinding> {
  const read = async (): Promise<Omit<IntervalFinding, 'interval' | 'isOpen'>> => {
    const [rows, orders] = await Promise.all([sides.legacy(interval, signal), sides.created(interval, signal)]);
    const counts = { legacy: rows.comparable.length, new: orders.length };
    return { orders: counts, differences: compareInterval(interval, rows, orders, zone) };
  };
  const first = await read();
  if (first.differences.length === 0) return { interval, ...first, isOpen: false };
  if (await sides.hasOpenIntents(interval)) return { interval, ...first, differences: [], isOpen: true };
  const second = await read();
  const before = new Set(first.differences.map(subject));
  const lasting = second.differences.filter((difference) => before.has(subject(difference)));
  return { interval, orders: second.orders, differences: lasting, isOpen: false };
}

/** Returns the finding of an interval without an order on either side. */
export function nothingIn(interval: NumberInterval): IntervalFinding {
  return { interval, orders: { legacy: 0, new: 0 }, differences: [], isOpen: false };
}

/** Whether an interval has no order on either side, and no open write. */
export function isNothing({ orders, differences, isOpen }: IntervalFinding): boolean {
  return orders.legacy === 0 && orders.new === 0 && differences.length === 0 && !isOpen;
}

function subject(difference: Difference): string {
  return difference.kind === 'unreadable' ? difference.row : String(difference.number);
}
