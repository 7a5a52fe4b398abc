import type { ProductMutant } from '../../mutants/product-mutant.js';

/** A defect of the facade, with the faults under which it must be detected. */
export interface MigrationMutant extends Pick<ProductMutant, 'name' | 'edits'> {
  /** Kinds of faults by column: see `COLUMNS`. */
  readonly faults: Readonly<Record<string, string>>;
  /** Text in the name of the check that must fail. */
  readonly caughtBy: string;
}

/** The unchanged product: checks that fail for it prove nothing for the mutants. */
export const MIGRATION_CONTROL: MigrationMutant = {
  name: 'control: the unchanged product',
  edits: [],
  faults: { dualwrite: 'slow-legacy', backfill: 'late-facade', shadow: 'unanswered-legacy' },
  caughtBy: '',
};

/** Defects that lose or reorder writes of a migration when something fails. */
export const MIGRATION_MUTANTS: readonly MigrationMutant[] = [
  {
    name: 'a write is acknowledged before the side that answers has it',
    edits: [
      {
        file: 'dist/apps/facade/src/writes/fenced-writes.js',
        replace: 'const outcome = await this.parts.answering.run(intent, signal);',
        by: "void this.parts.answering.run(intent, signal);\n        const outcome = { result: 'stored' };",
      },
    ],
    faults: { dualwrite: 'slow-legacy' },
    caughtBy: 'acknowledged write',
  },
  {
    name: 'an intent is forgotten after a time-out',
    edits: [
      {
        file: 'dist/apps/facade/src/intents/answering-write.js',
        replace: 'return { ...place, error: outcome.message };',
        by: 'return { ...place, close: true };',
      },
    ],
    // After a backfill, the new side must have every order that the legacy system has.
    faults: { backfill: 'late-facade', shadow: 'unanswered-legacy' },
    caughtBy: 'acknowledged write',
  },
  {
    name: 'reads of the new side do not wait for open intents',
    edits: [
      {
        file: 'dist/apps/facade/src/intents/intent.js',
        replace: "return intent.new === 'open' || intent.new === 'sent';",
        by: 'return false;',
      },
    ],
    faults: { backfill: 'late-facade', live: 'pause-consumer' },
    caughtBy: 'reads its own writes',
  },
];
