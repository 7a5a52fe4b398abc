import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { StackError } from '../dev/stack-error.js';

export interface BenchOptions {
  /** Benchmarks to run, by name or by the part of the name before a dash; empty: all. */
  readonly only: readonly string[];
  /** File for the report as JSON, in addition to the table. */
  readonly jsonFile: string | undefined;
  /** Smoke run: less data, one run each. */
  readonly quick: boolean;
  /** Folder for V8's CPU profiles of all contenders. */
  readonly profileDirectory: string | undefined;
  /** Runs only the end-to-end run, with this number of orders. */
  readonly orders: number | undefined;
  /** File for the chart of the scaling or of the end-to-end run. */
  readonly chartFile: string | undefined;
}

/** Largest number of orders of one populate. */
const MAX_ORDERS = 10_000_000;
const FLAGS =
  'Usage: npm run bench -- [--only NAME]... [--json FILE] [--chart FILE.svg] [--quick] [--profile DIRECTORY]; ' +
  'end-to-end run: npm run bench -- --orders N [--json FILE] [--chart FILE.svg].';

/** Reads the command line. @throws StackError `bad-flag` */
export function parseBenchOptions(args: readonly string[], names: readonly string[]): BenchOptions {
  const { only = [], json, quick = false, profile, orders, chart } = parseFlags(args);
  if (orders !== undefined && (only.length > 0 || quick || profile !== undefined))
    throw new StackError('bad-flag', '--orders cannot be combined with --only, --quick or --profile.', FLAGS);
  const unknown = only.find((prefix) => !names.some((name) => isSelected(name, [prefix])));
  if (unknown !== undefined)
    throw new StackError('bad-flag', `Unknown benchmark "${unknown}".`, `Benchmarks: ${names.join(', ')}.`);
  return {
    only,
    quick,
    jsonFile: toPath(json),
    profileDirectory: toPath(profile),
    orders: orders === undefined ? undefined : parseOrders(orders),
    chartFile: toPath(chart),
  };
}

/** Returns whether a benchmark is selected. */
export function isSelected(name: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((prefix) => name === prefix || name.startsWith(`${prefix}-`));
}

function toPath(text: string | undefined): string | undefined {
  return text === undefined ? undefined : resolve(text);
}

function parseOrders(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_ORDERS) return count;
  throw new StackError('bad-flag', `--orders must be an integer from 1 to ${MAX_ORDERS}, got "${text}".`, FLAGS);
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
