/** A defect, as one text replacement in one file of a source folder. */
export interface Mutant {
  readonly name: string;
  /** Path in the folder. */
  readonly file: string;
  /** Must occur exactly once in the file, so that a mutant is updated when its code changes. */
  readonly replace: string;
  readonly by: string;
  /** Part of the path of the spec files that must fail. Default: those of the source. */
  readonly specs?: string;
}

/** A source folder whose tests are tested. */
export interface MutatedSource {
  readonly name: string;
  /** Path in the project. */
  readonly folder: string;
  /** Part of the path of the property specs. */
  readonly specs: string;
  readonly mutants: readonly Mutant[];
}
