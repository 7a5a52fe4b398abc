import type { ReadStage, Stage, WriteStage } from '../../../../apps/facade/src/stages/capability.js';

/** Where one capability is. */
export interface Place<S extends Stage = Stage> {
  readonly stage: S;
  readonly percent: number;
}

/** Where writes and all three kinds of reads are. */
export interface Position {
  readonly writes: Place<WriteStage>;
  readonly reads: Place<ReadStage>;
}

const at = (writes: WriteStage, reads: ReadStage, percent = 100): Position => ({
  writes: { stage: writes, percent },
  reads: { stage: reads, percent },
});

/** The positions of a migration in which faults are injected. */
export const POSITIONS = {
  off: at('off', 'off'),
  dualwrite: at('dualwrite', 'off'),
  shadow: at('dualwrite', 'shadow'),
  'live 50 %': at('live', 'live', 50),
  live: at('live', 'live'),
  complete: at('complete', 'complete'),
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
