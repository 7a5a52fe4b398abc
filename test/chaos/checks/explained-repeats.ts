import type { History } from '../history/history.js';
import { calmOf } from './calm.js';

/** Saves that were done twice, by the kind of fault that they came with. */
export interface ExplainedRepeats {
  readonly total: number;
  /** Most first. */
  readonly byKind: readonly (readonly [kind: string, saves: number])[];
  /** Those that came when nothing had failed, or all had recovered and caught up. */
  readonly unexplained: number;
}

/** Each repeat is put down to the fault that began last before it was seen. */
export function explainedRepeats(history: Pick<History, 'of'>): ExplainedRepeats {
  const isCalm = calmOf(history);
  const begins = history.of('fault-begins');
  const byKind = new Map<string, number>();
  let total = 0;
  let unexplained = 0;
  for (const { at, saves } of history.of('repeats')) {
    total += saves;
    const fault = begins.findLast((each) => each.at <= at);
    if (fault === undefined || isCalm(at)) unexplained += saves;
    else byKind.set(fault.kind, (byKind.get(fault.kind) ?? 0) + saves);
  }
  return { total, byKind: [...byKind].toSorted((a, b) => b[1] - a[1]), unexplained };
}
