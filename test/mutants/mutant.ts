import { parseArgs } from 'node:util';

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

/** One of several parts of equal size, which together are the whole. The first is 1. */
interface Shard {
  readonly part: number;
  readonly of: number;
}

/**
 * Reads `[NAME] [--shard K/N]`. `--shard` has the meaning it has for Jest.
 * @returns a part of the names of the mutants, or the name of their source; '' for all
 * @throws Error if `--shard` is not a part of a whole
 */
export function readChoice(args: readonly string[]): { readonly only: string; readonly shard: Shard } {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { shard: { type: 'string', default: '1/1' } },
    allowPositionals: true,
  });
  const [, part = 0, of = 0] = (/^(\d+)\/(\d+)$/.exec(values.shard) ?? []).map(Number);
  if (part < 1 || part > of) throw new Error(`--shard ${values.shard}: expected K/N, with K from 1 to N`);
  return { only: positionals.join(' '), shard: { part, of } };
}

/** Returns every n-th item: neighbours, which resemble each other, are in different parts. */
export function shardOf<T>(items: readonly T[], { part, of }: Shard): T[] {
  return items.filter((_item, at) => at % of === part - 1);
}
