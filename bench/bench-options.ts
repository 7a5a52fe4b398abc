import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { StackError } from '../dev/stack-error.js';

export interface BenchOptions {
  /** Benchmarks to run, by name or by what stands before a dash in it; empty: all. */
  readonly only: readonly string[];
  /** Where the report goes as JSON, besides the table. */
  readonly jsonFile: string | undefined;
  /** A smoke run. */
  readonly quick: boolean;
  /** Where V8's CPU profiles of all contenders go. */
  readonly profileDirectory: string | undefined;
}

const FLAGS =
  'npm run bench takes --only NAME (several times, if need be), --json FILE, --quick and --profile DIRECTORY, after `--`.';

/** Reads the command line. @throws StackError `bad-flag` */
export function parseBenchOptions(args: readonly string[], names: readonly string[]): BenchOptions {
  const { only = [], json, quick = false, profile } = parseFlags(args);
  const unknown = only.find((wanted) => !names.some((name) => isWanted(name, [wanted])));
  if (unknown !== undefined)
    throw new StackError('bad-flag', `There is no benchmark "${unknown}".`, `There are: ${names.join(', ')}.`);
  return {
    only,
    quick,
    jsonFile: json === undefined ? undefined : resolve(json),
    profileDirectory: profile === undefined ? undefined : resolve(profile),
  };
}

/** Whether a benchmark is asked for. */
export function isWanted(name: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((wanted) => name === wanted || name.startsWith(`${wanted}-`));
}

function parseFlags(args: readonly string[]) {
  const options = {
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    quick: { type: 'boolean' },
    profile: { type: 'string' },
  } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new StackError('bad-flag', error instanceof Error ? error.message : String(error), FLAGS, { cause: error });
  }
}
