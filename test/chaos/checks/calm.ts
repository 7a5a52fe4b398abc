import type { History } from '../history/history.js';

/** What comes so long after a recovery may still have to do with the fault before it. */
const AFTERMATH_MS = 5_000;
/** Until so few orders wait to be saved, what was emitted twice may still be among them. */
const FEW_WAITING = 3_000;

interface Interval {
  readonly from: number;
  readonly to: number;
}

/** Tells of any moment of a run whether nothing had failed, or all had recovered and caught up. */
export function calmOf(history: Pick<History, 'of'>): (at: number) => boolean {
  const intervals = calmIntervals(history);
  return (at) => intervals.some(({ from, to }) => from <= at && at < to);
}

/** Milliseconds of it between the beginning and the last recovery: in so much a failure would be told as one that no fault explains. */
export function calmMsOf(history: Pick<History, 'of'>): number {
  const between = calmIntervals(history).filter(({ to }) => to !== Infinity);
  return between.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);
}

function calmIntervals(history: Pick<History, 'of'>): Interval[] {
  const begins = history.of('fault-begins').map(({ at }) => at);
  const after = history.of('recovered').map(({ at }) => {
    const from = caughtUpAt(history, at + AFTERMATH_MS);
    return { from, to: begins.find((begin) => begin > at) ?? Infinity };
  });
  return [{ from: 0, to: begins[0] ?? Infinity }, ...after];
}

/** Looked for from then on: at the recovery itself what was held back, and is more than can be saved at once, has not been emitted yet. */
function caughtUpAt(history: Pick<History, 'of'>, since: number): number {
  const later = history.of('sample').filter(({ at, sample: { acked } }) => at >= since && acked !== null);
  if (later.length === 0) return since;
  const caughtUp = later.find(({ sample: { acked, saved } }) => (acked ?? 0) - saved < FEW_WAITING);
  return caughtUp?.at ?? Infinity;
}
