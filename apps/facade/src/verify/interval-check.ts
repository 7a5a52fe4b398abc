import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { NumberInterval } from '../sides/number-interval.js';
import { compareInterval } from './compare-interval.js';
import type { Difference } from './difference.js';
import type { VerifiedSides } from './verified-sides.js';

/** What differed in the first reading of an interval, by `subject`. */
export type Suspects = ReadonlyMap<string, number | null>;

/** What was found in an interval of numbers. */
export interface IntervalFinding {
  readonly interval: NumberInterval;
  readonly orders: { readonly legacy: number; readonly new: number };
  /** The differences that are there to stay. */
  readonly differences: readonly Difference[];
  /** Admitted writes of these suspects are still on their way: they must be checked again. Absent: the finding is final. */
  readonly open?: Suspects;
}

/**
 * Compares both sides in an interval of legacy numbers.
 *
 * The two sides are read one after the other, so that a write between the reads looks like a difference. Therefore a difference counts
 * only if its number differs again in a second reading that began after its write was on both sides. Later writes of other numbers
 * don't matter: where clients write all the time, some are always on their way.
 * @param suspects what the first reading found, if it was made already
 */
export async function checkInterval(
  interval: NumberInterval,
  sides: VerifiedSides,
  zone: LegacyTimeZone,
  signal: AbortSignal,
  suspects?: Suspects,
): Promise<IntervalFinding> {
  const read = async (): Promise<Omit<IntervalFinding, 'interval' | 'open'>> => {
    const [rows, orders] = await Promise.all([sides.legacy(interval, signal), sides.created(interval, signal)]);
    const counts = { legacy: rows.comparable.length, new: orders.length };
    return { orders: counts, differences: compareInterval(interval, rows, orders, zone) };
  };
  let before = suspects;
  if (before === undefined) {
    const first = await read();
    if (first.differences.length === 0) return { interval, ...first };
    before = new Map(first.differences.map((difference) => [subject(difference), difference.number]));
  }
  const onTheirWay = await sides.openNumbers(interval);
  if ([...before.values()].some((number) => number !== null && onTheirWay.has(number)))
    return { interval, orders: { legacy: 0, new: 0 }, differences: [], open: before };
  const second = await read();
  const known = before;
  const lasting = second.differences.filter((difference) => known.has(subject(difference)));
  return { interval, orders: second.orders, differences: lasting };
}

/** Returns the finding of an interval without an order on either side. */
export function nothingIn(interval: NumberInterval): IntervalFinding {
  return { interval, orders: { legacy: 0, new: 0 }, differences: [] };
}

/** Whether an interval has no order on either side, and no open write. */
export function isNothing({ orders, differences, open }: IntervalFinding): boolean {
  return orders.legacy === 0 && orders.new === 0 && differences.length === 0 && open === undefined;
}

function subject(difference: Difference): string {
  return difference.kind === 'unreadable' ? difference.row : String(difference.number);
}
