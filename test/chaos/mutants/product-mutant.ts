/** One way to break the product, as replacements of text in its compiled files. */
export interface ProductMutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The kinds of faults under which it must show. */
  readonly faults: readonly string[];
  /** The finding that must not hold any more, as the beginning of its name. */
  readonly caughtBy: string;
}

export interface Edit {
  /** Below the compiled product, such as `apps/consumer/src/bulk-insert.js`. */
  readonly file: string;
  /** Must be in the file exactly once, so that a mutant can't outlive its code unseen. */
  readonly replace: string;
  readonly by: string;
}
