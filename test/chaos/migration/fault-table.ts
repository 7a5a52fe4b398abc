import { createDraws } from '#orders/generator/draws.js';
import { positionAt, type Position } from '../../../dev/migration-journey/position.js';
import type { Draw } from '../../../dev/migration-journey/draw.js';

/** The positions of a migration in which faults are injected. */
export const POSITIONS = {
  off: positionAt('off', 'off'),
  dualwrite: positionAt('dualwrite', 'off'),
  shadow: positionAt('dualwrite', 'shadow'),
  'live 50 %': positionAt('live', 'live', 50),
  live: positionAt('live', 'live'),
  complete: positionAt('complete', 'complete'),
} satisfies Record<string, Position>;
export type PositionName = keyof typeof POSITIONS;

/** A stage, a change of stage, or a run over all orders, during which each kind of fault is injected: a column of the table. */
export interface Column {
  readonly name: string;
  readonly at: PositionName;
  /** The position to which the migration moves during the fault. */
  readonly to?: PositionName;
  /** What runs during the fault. */
  readonly run?: 'backfill' | 'verify';
}

const change = (from: PositionName, to: PositionName): Column => ({ name: `${from} → ${to}`, at: from, to });

/** One journey goes through all columns in this order, from `off` to `complete`, twice back, and forward again. */
export const COLUMNS: readonly Column[] = [
  { name: 'off', at: 'off' },
  change('off', 'dualwrite'),
  { name: 'dualwrite', at: 'dualwrite' },
  change('dualwrite', 'off'),
  { name: 'backfill', at: 'dualwrite', run: 'backfill' },
  { name: 'verify', at: 'dualwrite', run: 'verify' },
  change('dualwrite', 'shadow'),
  { name: 'shadow', at: 'shadow' },
  change('shadow', 'live 50 %'),
  { name: 'live 50 %', at: 'live 50 %' },
  change('live 50 %', 'live'),
  { name: 'live', at: 'live' },
  change('live', 'shadow'),
  change('live', 'complete'),
  { name: 'complete', at: 'complete' },
];

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
