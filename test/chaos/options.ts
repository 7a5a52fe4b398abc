import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { StackError } from '../../dev/stack-error.js';
import { FAULT_KINDS } from './fault-kinds.js';
import { MIGRATION_FAULTS } from './migration/migration-faults.js';

interface CommonOptions {
  /** Seed of the faults. */
  readonly seed: number;
  /** Output folder for the history and the report. */
  readonly out: string;
  /** Folder of the compiled product to test. */
  readonly productDirectory: string | undefined;
  /** Whether to keep data and logs after the run. */
  readonly keep: boolean;
}

export interface ChaosOptions extends CommonOptions {
  /** How long new faults begin, in minutes. */
  readonly minutes: number;
  /** Size of the large populate, which lasts as long as the faults do. */
  readonly orders: number;
  /** Pause between a recovery and the next fault, in seconds. */
  readonly calmSeconds: number;
  /** Names of the fault kinds to inject; empty for all. */
  readonly only: readonly string[];
}

export interface MigrationOptions extends CommonOptions {
  /** The journeys to make, from 1. All of them together fill the table of faults and stages. */
  readonly first: number;
  readonly last: number;
}

const JOURNEYS = MIGRATION_FAULTS.length;
const ORDERS_PER_SECOND = 1_700;
/** Limit of one populate. */
const MAX_ORDERS = 1e7;
const MAX_SEED = 2 ** 32 - 1;

const CHAOS_HELP = `Flags of npm run chaos, after a --:
  --seed N          seed of the fault schedule, 0 to ${MAX_SEED} (default: random, printed at the start)
  --minutes N       how long new faults begin, 0.5 to 240 minutes (default 5)
  --orders N        orders in the large populate, 1000 to 10000000 (default: 1,700 per second of faults, at most 10,000,000)
  --calm SECONDS    pause between a recovery and the next fault, 0 to 600 s (default 8)
  --only A,B        inject only these kinds of faults: ${FAULT_KINDS.map(({ name }) => name).join(', ')}
  --out DIR         output folder for the history and the report (default .data/chaos)
  --product DIR     folder of the compiled product to test (default dist)
  --keep            keep data and logs after the run
  --migration       faults during a migration instead, with flags of its own: add --help
Example: npm run chaos -- --seed 7 --minutes 3`;

const MIGRATION_HELP = `Flags of npm run chaos -- --migration:
  --seed N          seed of the faults, 0 to ${MAX_SEED} (default: random, printed at the start)
  --journeys A-B    which journeys from off to complete to make, 1 to ${JOURNEYS}, such as 1-5 or 3 (default: all); each takes about two minutes
  --out DIR         output folder; the report includes earlier journeys with the same seed there (default .data/chaos-migration)
  --product DIR     folder of the compiled product to test (default dist)
  --keep            keep data and logs after the run
Example: npm run chaos -- --migration --seed 7 --journeys 1`;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;
const COMMON = { seed: TEXT, out: TEXT, product: TEXT, keep: FLAG, help: FLAG } as const;

/** Parses the command line. @throws StackError `bad-flag` with the list of valid flags */
export function readChaosOptions(args: readonly string[]): ChaosOptions {
  const reader = new FlagReader(CHAOS_HELP);
  const flags = reader.parse(args, { ...COMMON, minutes: TEXT, orders: TEXT, calm: TEXT, only: TEXT });
  const minutes = reader.number('minutes', flags.minutes, 5, 0.5, 240);
  const orders = Math.min(MAX_ORDERS, Math.round(minutes * 60 * ORDERS_PER_SECOND));
  return {
    ...reader.common(flags, '.data/chaos'),
    minutes,
    orders: reader.whole('orders', flags.orders, orders, 1_000, MAX_ORDERS),
    calmSeconds: reader.number('calm', flags.calm, 8, 0, 600),
    only: (flags.only ?? '').split(',').filter((name) => name !== '' && reader.isKnown(name)),
  };
}

/** Parses the command line with `--migration`. @throws StackError `bad-flag` with the list of valid flags */
export function readMigrationOptions(args: readonly string[]): MigrationOptions {
  const reader = new FlagReader(MIGRATION_HELP);
  const flags = reader.parse(args, { ...COMMON, migration: FLAG, journeys: TEXT });
  const [from = `1-${JOURNEYS}`, to = from] = flags.journeys?.split('-') ?? [`1`, String(JOURNEYS)];
  const first = reader.whole('journeys', from, 1, 1, JOURNEYS);
  const last = reader.whole('journeys', to, JOURNEYS, first, JOURNEYS);
  return { ...reader.common(flags, '.data/chaos-migration'), first, last };
}

/** Reads flags, and lists the valid ones when one is wrong. */
class FlagReader {
  constructor(private readonly help: string) {}

  parse<O extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: O) {
    try {
      const { values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
      if ('help' in values) throw new Error('Usage');
      return values;
    } catch (error) {
      throw this.badFlag(error instanceof Error ? error.message : String(error));
    }
  }

  common(
    flags: { readonly seed?: string; readonly out?: string; readonly product?: string; readonly keep?: boolean },
    out: string,
  ): CommonOptions {
    const seed = Math.floor(Math.random() * (MAX_SEED + 1));
    return {
      seed: this.whole('seed', flags.seed, seed, 0, MAX_SEED),
      out: flags.out ?? out,
      productDirectory: flags.product === undefined ? undefined : this.compiled(flags.product),
      keep: flags.keep ?? false,
    };
  }

  isKnown(kind: string): boolean {
    if (FAULT_KINDS.some(({ name }) => name === kind)) return true;
    throw this.badFlag(`Unknown fault kind ${kind}`);
  }

  whole(name: string, text: string | undefined, fallback: number, min: number, max: number): number {
    const value = this.number(name, text, fallback, min, max);
    if (!Number.isInteger(value)) throw this.badFlag(`--${name} must be an integer, got "${text}"`);
    return value;
  }

  number(name: string, text: string | undefined, fallback: number, min: number, max: number): number {
    if (text === undefined) return fallback;
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= min && value <= max) return value;
    throw this.badFlag(`--${name} must be a number from ${min} to ${max}, got "${text}"`);
  }

  /** Checks the product folder early, before the cluster starts. */
  private compiled(directory: string): string {
    const app = join(resolve(PROJECT_DIRECTORY, directory), 'apps/consumer/src/main.js');
    if (existsSync(app)) return directory;
    throw this.badFlag(`--product must be the folder of a compiled product, but ${app} does not exist`);
  }

  private badFlag(message: string): StackError {
    return new StackError('bad-flag', `${message}.`, this.help);
  }
}
