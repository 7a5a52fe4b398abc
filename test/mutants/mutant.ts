/** A defect of the engine, as one text replacement in one of its files. */
export interface Mutant {
  readonly name: string;
  /** Path in `libs/parallel-consumer/src`. */
  readonly file: string;
  /** Must occur exactly once in the file, so that a mutant is updated when its code changes. */
  readonly replace: string;
  readonly by: string;
  /** Part of the path of the spec files that must fail. Default: the property specs. */
  readonly specs?: string;
}
