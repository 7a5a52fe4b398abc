import type { History } from '../history.js';

/** An event within this time after a recovery may still be caused by the fault. */
const AFTERMATH_MS = 5_000;
/** Some partitions catch up later than others, while the sums of all show only that new orders are saved instead. */
const UNEVEN_MS = 5_000;

interface Interval {
  readonly from: number;
  readonly to: number;
}

/** Returns a predicate for times of a run: whether no fault had begun yet, or all had recovered and the backlog had drained. */
export function calmOf(history: Pick<History, 'of'>): (at: number) => boolean {
  const intervals = calmIntervals(history);
  return (at) => intervals.some(({ from, to }) => from <= at && at < to);
}

/** Total calm time between the beginning and the last recovery, in milliseconds. A failure in this time counts as unexplained. */
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

/**
 * Finds when as many orders are saved as were acknowledged at `since`. Until then, orders that the fault caused
 * to be saved twice may be waiting. Samples at the recovery itself don't count: the producers have not emitted the delayed orders yet.
 */
function caughtUpAt(history: Pick<History, 'of'>, since: number): number {
  const later = history.of('sample').filter(({ at, acked }) => at >= since && acked !== null);
  const backlogEnd = later[0]?.acked;
  if (backlogEnd === undefined || backlogEnd === null) return since;
  const caughtUp = later.find(({ saved }) => saved >= backlogEnd);
  if (caughtUp === undefined) return Infinity;
  return caughtUp === later[0] ? caughtUp.at : caughtUp.at + UNEVEN_MS;
}

/** Repeated saves, by the fault kinds that caused them. */
export interface ExplainedRepeats {
  readonly total: number;
  /** In descending order of saves. */
  readonly byKind: readonly (readonly [kind: string, saves: number])[];
  /** Repeated saves in calm periods. */
  readonly unexplained: number;
}

/** Attributes each repeated save to the faults that had begun since the previous recovery. */
export function explainedRepeats(history: Pick<History, 'of'>): ExplainedRepeats {
  const isCalm = calmOf(history);
  const byKind = new Map<string, number>();
  let total = 0;
  let unexplained = 0;
  for (const { at, saves } of history.of('repeats')) {
    total += saves;
    const kinds = kindsBefore(history, at);
    if (kinds === '' || isCalm(at)) unexplained += saves;
    else byKind.set(kinds, (byKind.get(kinds) ?? 0) + saves);
  }
  return { total, byKind: [...byKind].toSorted((a, b) => b[1] - a[1]), unexplained };
}

/** Kinds of the last fault that had begun by then, and of those simultaneous with it. */
function kindsBefore(history: Pick<History, 'of'>, until: number): string {
  const begun = history.of('fault-begins').filter(({ at }) => at <= until);
  const last = begun.at(-1)?.at ?? 0;
  const ends = [...history.of('recovered'), ...history.of('not-recovered')].map(({ at }) => at);
  const since = Math.max(0, ...ends.filter((at) => at <= last));
  return begun.flatMap(({ at, kind }) => (at >= since ? [kind] : [])).join(' + ');
}
