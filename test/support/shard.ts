import { parseArgs } from 'node:util';

/** What a run of mutants was asked for. */
export interface Choice {
  /** A part of the names of the mutants, or the name of their source; '' for all. */
  readonly only: string;
  readonly shard: Shard;
}

/** One of several parts of equal size, which together are the whole. The first is 1. */
export interface Shard {
  readonly part: number;
  readonly of: number;
}

/** Reads `[NAME] [--shard K/N]`. `--shard` has the meaning it has for Jest. @throws Error if it is not a part of a whole */
export function readChoice(args: readonly string[]): Choice {
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
