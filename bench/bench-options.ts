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
  /** Only the end-to-end run, with so many orders. */
  readonly orders: number | undefined;
  /** Where the chart goes: of the scaling, or of the end-to-end run. */
  readonly chartFile: string | undefined;
}

/** What one populate may have. */
const MOST_ORDERS = 10_000_000;
const FLAGS =
  'npm run bench takes --only NAME (several times, if need be), --json FILE, --chart FILE.svg, --quick and --profile DIRECTORY, after `--`; ' +
  'or, for the end-to-end run alone, --orders N with --json FILE and --chart FILE.svg.';

/** Reads the command line. @throws StackError `bad-flag` */
export function parseBenchOptions(args: readonly string[], names: readonly string[]): BenchOptions {
  const { only = [], json, quick = false, profile, orders, chart } = parseFlags(args);
  if (orders !== undefined && (only.length > 0 || quick || profile !== undefined))
    throw new StackError('bad-flag', '--orders runs nothing else: no --only, --quick or --profile with it.', FLAGS);
  const unknown = only.find((wanted) => !names.some((name) => isWanted(name, [wanted])));
  if (unknown !== undefined)
    throw new StackError('bad-flag', `There is no benchmark "${unknown}".`, `There are: ${names.join(', ')}.`);
  return {
    only,
    quick,
    jsonFile: pathOf(json),
    profileDirectory: pathOf(profile),
    orders: orders === undefined ? undefined : orderCount(orders),
    chartFile: pathOf(chart),
  };
}

/** Whether a benchmark is asked for. */
export function isWanted(name: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((wanted) => name === wanted || name.startsWith(`${wanted}-`));
}

function pathOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : resolve(text);
}

function orderCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST_ORDERS) return count;
  throw new StackError('bad-flag', `--orders takes a whole number from 1 to ${MOST_ORDERS}, not "${text}".`, FLAGS);
}

function parseFlags(args: readonly string[]) {
  const options = {
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    quick: { type: 'boolean' },
    profile: { type: 'string' },
    orders: { type: 'string' },
    chart: { type: 'string' },
  } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new StackError('bad-flag', error instanceof Error ? error.message : String(error), FLAGS, { cause: error });
  }
}
