import { NO_EDIT, type ProductEdits } from '../../mutants/product-mutants.js';

/** A defect of the facade, with the faults under which it must be detected. */
export interface MigrationMutant extends ProductEdits {
  /** Kinds of faults by column: see `COLUMNS`. */
  readonly faults: Readonly<Record<string, string>>;
  /** Text in the name of the check that must fail. */
  readonly caughtBy: string;
}

/** The unchanged product: a check that fails for it can't judge the mutants. */
export const MIGRATION_CONTROL: MigrationMutant = {
  ...NO_EDIT,
  faults: { dualwrite: 'slow-legacy', backfill: 'late-facade', shadow: 'unanswered-legacy' },
  caughtBy: '',
};

/** Defects that lose or reorder writes of a migration when something fails. */
export const MIGRATION_MUTANTS: Readonly<Record<string, MigrationMutant>> = {
  'a write is acknowledged before the primary has it': {
    file: 'dist/apps/facade/src/writes/fenced-writes.js',
    replace: 'const outcome = await this.primary.run(intent, signal);',
    by: "void this.primary.run(intent, signal);\n        const outcome = { result: 'stored' };",
    faults: { dualwrite: 'slow-legacy' },
    caughtBy: 'acknowledged write',
  },
  'an intent is forgotten after a time-out': {
    file: 'dist/apps/facade/src/writes/fenced-writes.js',
    replace: 'return { ...place, error: outcome.message };',
    by: 'return { ...place, close: true };',
    // After a backfill, the target must have every order that the legacy system has.
    faults: { backfill: 'late-facade', shadow: 'unanswered-legacy' },
    caughtBy: 'acknowledged write',
  },
  'reads of the target do not wait for open intents': {
    // Only the answers to clients: comparisons still wait, so that the gate opens, and no other check can find the defect.
    file: 'dist/apps/facade/src/reads/reads.js',
    replace: 'await intents.untilReadable(side, askedOrders(asked.read), forwarded.signal);',
    faults: { backfill: 'late-facade', live: 'pause-consumer' },
    caughtBy: 'reads its own writes',
  },
};
