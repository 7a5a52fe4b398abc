import type { History } from '../history/history.js';

/** What is repeated so long after a recovery has nothing to do with the fault before it. */
const AFTERMATH_MS = 20_000;

/** Saves that were done twice, by the kind of fault that they came with. */
export interface ExplainedRepeats {
  readonly total: number;
  /** Most first. */
  readonly byKind: readonly (readonly [kind: string, saves: number])[];
  /** Those that came when nothing had failed. */
  readonly unexplained: number;
}

/** Each repeat is put down to the fault that began last before it was seen. */
export function explainedRepeats(history: Pick<History, 'of'>): ExplainedRepeats {
  const recovered = new Map(history.of('recovered').map(({ place, at }) => [place, at]));
  const begins = history.of('fault-begins');
  const byKind = new Map<string, number>();
  let total = 0;
  let unexplained = 0;
  for (const { at, saves } of history.of('repeats')) {
    total += saves;
    const fault = begins.findLast((each) => each.at <= at);
    if (fault === undefined || at > (recovered.get(fault.place) ?? at) + AFTERMATH_MS) unexplained += saves;
    else byKind.set(fault.kind, (byKind.get(fault.kind) ?? 0) + saves);
  }
  return { total, byKind: [...byKind].toSorted((a, b) => b[1] - a[1]), unexplained };
}
