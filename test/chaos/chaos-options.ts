import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { StackError } from '../../dev/stack-error.js';
import { FAULT_KINDS } from './faults/fault-kinds.js';

export interface ChaosOptions {
  /** What the faults are drawn from. */
  readonly seed: number;
  /** For so long faults begin, in minutes. */
  readonly minutes: number;
  /** Of the large populate: it lasts as long as the faults do. */
  readonly orders: number;
  /** From one recovery to the next fault. */
  readonly calmSeconds: number;
  /** Names of the kinds; empty: all. */
  readonly only: readonly string[];
  /** Where history and report are put. */
  readonly out: string;
  /** Where the compiled product is that is tested. */
  readonly productDirectory: string | undefined;
  /** Leave data and logs there when it is over. */
  readonly keep: boolean;
}

const FLAGS = `The flags of npm run chaos, after a --:
  --seed N          what the faults are drawn from, 0 to 4294967295 (default: at random, and told)
  --minutes N       for so long faults begin, 0.5 to 240 (default 5)
  --orders N        in the large populate, 1000 to 10000000 (default: 1,700 for each second, ten million at the most)
  --calm SECONDS    from one recovery to the next fault, 0 to 600 (default 8)
  --only A,B        only these kinds of faults: ${FAULT_KINDS.map(({ name }) => name).join(', ')}
  --out DIR         where history and report are put (default .data/chaos)
  --product DIR     the compiled product that is tested (default dist)
  --keep            leave data and logs there
for example: npm run chaos -- --seed 7 --minutes 3`;

const PER_SECOND = 1_700;
/** Of one populate. */
const MOST_ORDERS = 1e7;

/** @throws StackError `bad-flag` with the list of the right ones */
export function readChaosOptions(args: readonly string[], random: () => number = Math.random): ChaosOptions {
  const flags = parseFlags(args);
  if (flags.help === true) throw new StackError('bad-flag', 'What npm run chaos takes.', FLAGS);
  const minutes = flags.minutes === undefined ? 5 : number('minutes', flags.minutes, 0.5, 240);
  return {
    seed: flags.seed === undefined ? Math.floor(random() * 2 ** 32) : whole('seed', flags.seed, 0, 2 ** 32 - 1),
    minutes,
    orders:
      flags.orders === undefined
        ? Math.min(MOST_ORDERS, Math.round(minutes * 60 * PER_SECOND))
        : whole('orders', flags.orders, 1_000, MOST_ORDERS),
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
  if (unknown !== undefined) throw badFlag(`There is no fault ${unknown}`);
  return names;
}

/** Looked for before a cluster is started that nothing could run on. */
function compiled(directory: string): string {
  const app = join(resolve(PROJECT_DIRECTORY, directory), 'apps/consumer/src/main.js');
  if (!existsSync(app)) throw badFlag(`--product takes the folder of a compiled product, and there is no ${app}`);
  return directory;
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = number(name, text, least, most);
  if (!Number.isInteger(value)) throw badFlag(`--${name} takes a whole number, not "${text}"`);
  return value;
}

function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value >= least && value <= most) return value;
  throw badFlag(`--${name} takes a number from ${least} to ${most}, not "${text}"`);
}

function badFlag(message: string): StackError {
  return new StackError('bad-flag', `${message}.`, FLAGS);
}
