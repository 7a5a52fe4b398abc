import { Command, InvalidArgumentError, Option } from 'commander';
import { FAULT_KINDS } from './fault-kinds.js';
import { MIGRATION_FAULTS } from './migration/migration-faults.js';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { judgeLock, machineProcesses } from '../../dev/machine/processes.js';
import { removeRunFolder, DataDirectory } from '../../dev/servers/data-directory.js';
import { smallDisksBelow } from './cluster/small-disk.js';

interface CommonOptions {
  /** Seed of the faults. */
  readonly seed: number;
  /** Output folder for the history and the report. */
  readonly out: string;
  /** Whether to keep data and logs after the run. */
  readonly keep?: true;
}

export interface ChaosOptions extends CommonOptions {
  /** How long new faults begin, in minutes. */
  readonly minutes: number;
  /** Size of the large populate, which lasts as long as the faults do. */
  readonly orders: number;
  /** Pause between a recovery and the next fault, in seconds. */
  readonly calm: number;
  /** Names of the fault kinds to inject; empty for all. */
  readonly only: readonly string[];
}

export interface MigrationOptions extends CommonOptions {
  /** The first and the last journey to make, from 1. All of them together fill the table of faults and stages. */
  readonly journeys: readonly [first: number, last: number];
}

const JOURNEYS = MIGRATION_FAULTS.length;
const ORDERS_PER_SECOND = 1_700;
/** Limit of one populate. */
const MAX_ORDERS = 1e7;
const MAX_SEED = 2 ** 32 - 1;
const WRONG_USAGE = 2;

/** Parses the command line. Ends the process with the list of flags for `--help`, and for wrong usage. */
export function readChaosOptions(args: readonly string[]): ChaosOptions {
  const command = commandWith('npm run chaos --', '.data/chaos')
    .option('--minutes <n>', 'how long new faults begin, 0.5 to 240 minutes', within(0.5, 240), 5)
    .option(
      '--orders <n>',
      'orders in the large populate (default: 1,700 for each second of faults)',
      whole(1_000, MAX_ORDERS),
    )
    .option('--calm <seconds>', 'pause between a recovery and the next fault, 0 to 600 s', within(0, 600), 8)
    .option(
      '--only <kinds>',
      `only these kinds of faults: ${FAULT_KINDS.map(({ name }) => name).join(', ')}`,
      kindsIn,
      [],
    )
    .addHelpText('after', '\nWith --migration: faults during a migration instead, with flags of its own: add --help.');
  const given = command.parse(args, { from: 'user' }).opts<Omit<ChaosOptions, 'orders'> & Partial<ChaosOptions>>();
  return { orders: Math.min(MAX_ORDERS, Math.round(given.minutes * 60 * ORDERS_PER_SECOND)), ...given };
}

/** As `readChaosOptions`, with `--migration`. */
export function readMigrationOptions(args: readonly string[]): MigrationOptions {
  const all: MigrationOptions['journeys'] = [1, JOURNEYS];
  return commandWith('npm run chaos -- --migration', '.data/chaos-migration')
    .option('--migration', 'faults during a migration')
    .option('--journeys <a-b>', `journeys from off to complete, such as 1-5 or 3, of ${JOURNEYS}`, journeysIn, all)
    .parse(args, { from: 'user' })
    .opts();
}

function commandWith(name: string, out: string): Command {
  const seed = Math.floor(Math.random() * (MAX_SEED + 1));
  return new Command(name)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : WRONG_USAGE))
    .showHelpAfterError()
    .addOption(
      new Option('--seed <n>', 'seed of the faults')
        .argParser(whole(0, MAX_SEED))
        .default(seed, 'random, printed at the start'),
    )
    .option('--out <folder>', 'folder of the report and the history', out)
    .option('--keep', 'keep data and logs after the run');
}

function within(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}

function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = within(min, max)(text);
    if (Number.isInteger(value)) return value;
    throw new InvalidArgumentError('It must be an integer.');
  };
}

function kindsIn(text: string): readonly string[] {
  const names = text.split(',');
  const unknown = names.find((name) => FAULT_KINDS.every((kind) => kind.name !== name));
  if (unknown === undefined) return names;
  throw new InvalidArgumentError(`There is no kind of fault named ${unknown}.`);
}

function journeysIn(text: string): readonly [number, number] {
  const [from = '', to = from] = text.split('-');
  const first = whole(1, JOURNEYS)(from);
  return [first, whole(first, JOURNEYS)(to)];
}

const PREFIX = 'orders-chaos-';

/**
 * Works in a new folder for the data of a run, which is removed at the end, as is before what killed runs left. The first interruption aborts the
 * signal, for a run that still drains the pipeline and judges the result; the second one ends the process.
 */
export async function inRunFolder<T>(
  { print, keep = false }: { readonly print: (line: string) => void; readonly keep?: boolean | undefined },
  work: (directory: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      if (interrupted.signal.aborted) process.exit(130);
      print('interrupted: no new faults begin; interrupt again to exit at once');
      interrupted.abort();
    });
  for (const name of await readdir(tmpdir())) if (name.startsWith(PREFIX)) await removeAbandoned(name, print);
  const directory = await mkdtemp(join(tmpdir(), PREFIX));
  try {
    return await work(directory, interrupted.signal);
  } finally {
    if (keep) print(`data and logs: ${directory}`);
    else await removeRunFolder(directory);
  }
}

/** Removes what a killed run left: its processes and gigabytes of data, some of it in memory. */
async function removeAbandoned(name: string, print: (line: string) => void): Promise<void> {
  const directory = join(tmpdir(), name);
  // Without a lock, a run is about to begin there, or the data were kept.
  const lock = await readFile(join(directory, 'stack.lock'), 'utf8').catch(() => undefined);
  if (lock === undefined || judgeLock(lock, machineProcesses) !== 'stale') return;
  print(`removing the data of a killed run: ${directory}`);
  try {
    // Opening the folder takes its lock and ends the processes that still use it.
    (await DataDirectory.open(directory, print)).close();
    for (const disk of await smallDisksBelow(`${directory}/`)) await promisify(execFile)('umount', ['-l', disk]);
    await removeRunFolder(directory);
  } catch (error) {
    print(`removing failed: ${String(error)}`);
  }
}
