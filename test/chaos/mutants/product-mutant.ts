export const CAUGHT_BY = ['equation', 'order', 'attempts', 'reads', 'repeats'] as const;
export type CaughtBy = (typeof CAUGHT_BY)[number];

/** A defect of the product, as text replacements in its compiled files. */
export interface ProductMutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Fault kinds under which the defect must be detected. */
  readonly faults: readonly string[];
  /**
   * The check that must detect it: lost, doubled or altered orders (`equation`); orders of an account out of order (`order`); attempts
   * that break the engine's promises (`attempts`); wrong answers to reads (`reads`); or far more repeated saves than usual (`repeats`).
   */
  readonly caughtBy: CaughtBy;
  /** How many producers and query APIs run: 1 of each, or 2 if the defect shows only with another one. Default: 1. */
  readonly copies?: 1 | 2;
  /** How long new faults begin, in minutes; set if the default is too short. */
  readonly minutes?: number;
  /** Seed of the fault schedule; set if the default seed does not detect the defect. */
  readonly seed?: number;
  /** App settings; set if the defect shows only with these. */
  readonly settings?: NodeJS.ProcessEnv;
}

export interface Edit {
  /** Path in the compiled product, such as `apps/consumer/src/save/bulk-insert.js`. */
  readonly file: string;
  /** Must occur exactly once in the file, so that a mutant is updated when its code changes. */
  readonly replace: string;
  readonly by: string;
}
