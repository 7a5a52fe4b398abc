import { createDraws } from '#orders/generator/draws.js';
import type { Draw } from '../../faults/fault.js';

const ROW_ORDER = 1;
const COLUMN_ORDER = 2;
const OWN = 100;
/** Cells of one journey that may draw numbers of their own. */
const CELLS = 1_000;

/** A planned cell of the table. */
export interface PlannedCell {
  /** Index of the fault kind. */
  readonly kind: number;
  /** Draws for this cell alone. */
  readonly draw: Draw;
}

/**
 * Plans one journey: the kind of fault of each column. The table is a Latin square: `kinds` journeys together inject every kind in every
 * column once, and one journey injects every kind at least once if there are not more kinds than columns. The seed shuffles rows and columns.
 * @param journey from 0
 */
export function planJourney(seed: number, journey: number, kinds: number, columns: number): readonly PlannedCell[] {
  if (kinds === 0) throw new RangeError('there is no kind of fault to choose from');
  const draws = createDraws(seed);
  const shuffled = (field: number, count: number): readonly number[] =>
    Array.from({ length: count }, (_, at) => ({ at, key: draws(field, at, 2 ** 31) }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ at }) => at);
  const rows = shuffled(ROW_ORDER, kinds);
  const shifts = shuffled(COLUMN_ORDER, columns);
  return shifts.map((shift, column) => {
    let drawn = 0;
    return {
      kind: rows[(journey + shift) % kinds] ?? 0,
      draw: (below) => draws(OWN + drawn++, journey * CELLS + column, below),
    };
  });
}
