/** One way to break the core, as one replacement of text in one of its files. */
export interface Mutant {
  readonly name: string;
  /** Below `libs/parallel-consumer/src`. */
  readonly file: string;
  /** Must be in the file exactly once, so that a mutant can't outlive its code unseen. */
  readonly replace: string;
  readonly by: string;
  /** Which spec files must turn red, as a part of their path; default: the property specs. */
  readonly specs?: string;
}
