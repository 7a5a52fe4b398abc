import type { History } from '../history/history.js';
import { calmOf } from './calm.js';

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
