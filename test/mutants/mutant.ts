/** A text replacement in one file. */
export interface Edit {
  /** Path in the folder of its source, or in a copy of the product. */
  readonly file: string;
  /** Must occur exactly once in the file, so that a mutant is updated when its code changes. */
  readonly replace: string;
  /** Default: the text is removed. */
  readonly by?: string;
}

/** A defect. */
export interface Mutant extends Edit {
  /** Part of the path of the spec files that must fail. Default: those of the source. */
  readonly specs?: string;
}

/** A source folder whose tests are tested, or a part of it. */
export interface MutatedSource {
  readonly name: string;
  /** Path in the project. */
  readonly folder: string;
  /** Part of the path of the spec files. */
  readonly specs: string;
  /** By what the defect does. */
  readonly mutants: Readonly<Record<string, Mutant>>;
}

/** Returns the text of a mutated file. @throws Error unless the replaced text occurs exactly once */
export function mutated(text: string, name: string, { file, replace, by = '' }: Edit): string {
  const found = text.split(replace).length - 1;
  if (found !== 1)
    throw new Error(`${file} contains the text of '${name}' ${found} times instead of once: update the mutant`);
  return text.replace(replace, () => by);
}
