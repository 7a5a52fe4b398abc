import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { StackError } from '../../dev/stack-error.js';
import { FAULT_KINDS } from './faults/fault-kinds.js';

export interface ChaosOptions {
  /** Seed of the fault schedule. */
  readonly seed: number;
  /** How long new faults begin, in minutes. */
  readonly minutes: number;
  /** Size of the large populate, which lasts as long as the faults do. */
  readonly orders: number;
  /** Pause between a recovery and the next fault, in seconds. */
  readonly calmSeconds: number;
  /** Names of the fault kinds to inject; empty for all. */
  readonly only: readonly string[];
  /** Output folder for the history and the report. */
  readonly out: string;
  /** Folder of the compiled product to test. */
  readonly productDirectory: string | undefined;
  /** Whether to keep data and logs after the run. */
  readonly keep: boolean;
}

const FLAGS = `Flags of npm run chaos, after a --:
  --seed N          seed of the fault schedule, 0 to 4294967295 (default: random, printed at the start)
  --minutes N       how long new faults begin, 0.5 to 240 minutes (default 5)
  --orders N        orders in the large populate, 1000 to 10000000 (default: 1,700 per second of faults, at most 10,000,000)
  --calm SECONDS    pause between a recovery and the next fault, 0 to 600 s (default 8)
  --only A,B        inject only these kinds of faults: ${FAULT_KINDS.map(({ name }) => name).join(', ')}
  --out DIR         output folder for the history and the report (default .data/chaos)
  --product DIR     folder of the compiled product to test (default dist)
  --keep            keep data and logs after the run
  --migration       faults during a migration instead, with flags of its own: add --help
Example: npm run chaos -- --seed 7 --minutes 3`;

const ORDERS_PER_SECOND = 1_700;
/** Limit of one populate. */
const MAX_ORDERS = 1e7;

/** Parses the command line. @throws StackError `bad-flag` with the list of valid flags */
export function readChaosOptions(args: readonly string[], random: () => number = Math.random): ChaosOptions {
  const flags = parseFlags(args);
  if (flags.help === true) throw new StackError('bad-flag', 'Usage of npm run chaos.', FLAGS);
  const minutes = flags.minutes === undefined ? 5 : number('minutes', flags.minutes, 0.5, 240);
  return {
    seed: flags.seed === undefined ? Math.floor(random() * 2 ** 32) : whole('seed', flags.seed, 0, 2 ** 32 - 1),
    minutes,
    orders:
      flags.orders === undefined
        ? Math.min(MAX_ORDERS, Math.round(minutes * 60 * ORDERS_PER_SECOND))
        : whole('orders', flags.orders, 1_000, MAX_ORDERS),
    calmSeconds: flags.calm === undefined ? 8 : number('calm', flags.calm, 0, 600),
    only: known((flags.only ?? '').split(',').filter((name) => name !== '')),
    out: flags.out ?? '.data/chaos',
    productDirectory: flags.product === undefined ? undefined : compiled(flags.product),
    keep: flags.keep ?? false,
  };
}

function parseFlags(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = {
    seed: text,
    minutes: text,
    orders: text,
    calm: text,
    only: text,
    out: text,
    product: text,
    keep: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw badFlag(error instanceof Error ? error.message : String(error));
  }
}

function known(names: string[]): string[] {
  const unknown = names.find((name) => FAULT_KINDS.every((kind) => kind.name !== name));
  if (unknown !== undefined) throw badFlag(`Unknown fault kind ${unknown}`);
  return names;
}

/** Checks the product folder early, before the cluster starts. */
function compiled(directory: string): string {
  const app = join(resolve(PROJECT_DIRECTORY, directory), 'apps/consumer/src/main.js');
  if (!existsSync(app)) throw badFlag(`--product must be the folder of a compiled product, but ${app} does not exist`);
  return directory;
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = number(name, text, min, max);
  if (!Number.isInteger(value)) throw badFlag(`--${name} must be an integer, got "${text}"`);
  return value;
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value >= min && value <= max) return value;
  throw badFlag(`--${name} must be a number from ${min} to ${max}, got "${text}"`);
}

function badFlag(message: string): StackError {
  return new StackError('bad-flag', `${message}.`, FLAGS);
}
