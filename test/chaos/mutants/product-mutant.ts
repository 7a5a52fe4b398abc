export const CAUGHT_BY = ['equation', 'order', 'reads', 'repeats'] as const;
export type CaughtBy = (typeof CAUGHT_BY)[number];

/** One way to break the product, as replacements of text in its compiled files. */
export interface ProductMutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The kinds of faults under which it must show. */
  readonly faults: readonly string[];
  /** Orders that are lost, doubled or altered; an account's orders that are out of order; reads that lie; or work that is done twice, far beyond what is usual. */
  readonly caughtBy: CaughtBy;
  /** For so long faults begin, where one is not enough. */
  readonly minutes?: number;
  /** What the faults are drawn from, where it is not all the same. */
  readonly seed?: number;
  /** Of the apps, where the defect shows only under some. */
  readonly settings?: NodeJS.ProcessEnv;
}

export interface Edit {
  /** Below the compiled product, such as `apps/consumer/src/bulk-insert.js`. */
  readonly file: string;
  /** Must be in the file exactly once, so that a mutant can't outlive its code unseen. */
  readonly replace: string;
  readonly by: string;
}
