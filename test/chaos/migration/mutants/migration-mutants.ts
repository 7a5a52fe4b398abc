import type { ProductMutant } from '../../mutants/product-mutant.js';

/** A defect of the facade, with a journey of the seed of the runner in which it must be detected. */
export interface MigrationMutant extends Pick<ProductMutant, 'name' | 'edits'> {
  /** Text in the name of the check that must fail. */
  readonly caughtBy: string;
}

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
    caughtBy: 'acknowledged write',
  },
];
