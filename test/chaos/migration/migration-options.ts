import { parseArgs } from 'node:util';
import { StackError } from '../../../dev/stack-error.js';
import { MIGRATION_FAULTS } from './faults/migration-faults.js';

export interface MigrationOptions {
  /** Seed of the table of faults. */
  readonly seed: number;
  /** The journeys to make, from 1. All of them together fill the table of faults and stages. */
  readonly first: number;
  readonly last: number;
  /** Output folder for the results and the report. */
  readonly out: string;
  /** Folder of the compiled product to test. */
  readonly productDirectory: string;
  /** Whether to keep data and logs after the run. */
  readonly keep: boolean;
}

const JOURNEYS = MIGRATION_FAULTS.length;
const FLAGS = `Flags of npm run chaos -- --migration:
  --seed N          seed of the faults, 0 to 4294967295 (default: random, printed at the start)
  --journeys A-B    which journeys from off to complete to make, 1 to ${JOURNEYS}, such as 1-5 or 3 (default: all); each takes about two minutes
  --out DIR         output folder; the report includes earlier journeys with the same seed there (default .data/chaos-migration)
  --product DIR     folder of the compiled product to test (default dist)
  --keep            keep data and logs after the run
Example: npm run chaos -- --migration --seed 7 --journeys 1`;

/** Parses the command line behind \`--migration\`. @throws StackError \`bad-flag\` with the list of valid flags */
export function readMigrationOptions(args: readonly string[], random: () => number = Math.random): MigrationOptions {
  const flags = parseFlags(args);
  if (flags.help === true) throw new StackError('bad-flag', 'Usage of npm run chaos -- --migration.', FLAGS);
  const seed = flags.seed === undefined ? Math.floor(random() * 2 ** 32) : Number(flags.seed);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw badFlag(`--seed must be an integer from 0 to 4294967295, got "${flags.seed}"`);
  const [first, last = first] = (flags.journeys ?? `1-${JOURNEYS}`).split('-').map(Number);
  if (!isJourney(first) || !isJourney(last) || last < first)
    throw badFlag(`--journeys must be one or two numbers from 1 to ${JOURNEYS}, such as 1-5, got "${flags.journeys}"`);
  return {
    seed,
    first,
    last,
    out: flags.out ?? '.data/chaos-migration',
    productDirectory: flags.product ?? 'dist',
    keep: flags.keep ?? false,
  };
}

function isJourney(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= JOURNEYS;
}

function parseFlags(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { migration: flag, seed: text, journeys: text, out: text, product: text, keep: flag, help: flag };
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw badFlag(error instanceof Error ? error.message : String(error));
  }
}

function badFlag(message: string): StackError {
  return new StackError('bad-flag', `${message}.`, FLAGS);
}
