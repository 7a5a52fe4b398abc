import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { SaveBounds } from '#orders/consumer/simulated-save.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { StackError } from '../stack-error.js';
import { WAY_NAMES } from './ways.js';

/** The options of `npm run compare`. */
export interface CompareOptions {
  readonly orders: number;
  /** The seed of the orders and of the simulated waits of their saves. */
  readonly seed: number;
  readonly saveMs: SaveBounds;
  /** Measures every order in every way, however long that takes. */
  readonly full: boolean;
  /** The ways to measure, by full name or by the part before a dash; empty: all. */
  readonly only: readonly string[];
  /** The file of the JSON report. */
  readonly jsonFile: string;
  /** The folder of the charts `compare.svg` and `compare.png`. */
  readonly directory: string;
}

const MOST_ORDERS = 10_000;
const DEFAULTS = { orders: 1_000, seed: 2_026, saveMs: '0..1000', out: join('.data', 'compare') };

const FLAGS = `The flags of npm run compare, after a --:
  --full                measure all orders in every way (13 minutes) instead of samples
  --only NAME           measure only this way, repeatable: ${WAY_NAMES.join(', ')}, or the beginning of these names
  --orders N            number of orders, 1 to ${MOST_ORDERS} (default ${DEFAULTS.orders})
  --save-ms MIN..MAX    duration of the simulated save in milliseconds (default ${DEFAULTS.saveMs})
  --seed N              seed of the orders and of their saves (default ${DEFAULTS.seed})
  --out DIR             folder of compare.svg, compare.png and compare.json (default ${DEFAULTS.out})
  --json FILE           file of the JSON report, instead of compare.json in that folder
for example: npm run compare -- --only by-key --only unordered`;

const FLAG_TYPES = {
  full: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true, default: [] as string[] },
  orders: { type: 'string', default: String(DEFAULTS.orders) },
  'save-ms': { type: 'string', default: DEFAULTS.saveMs },
  seed: { type: 'string', default: String(DEFAULTS.seed) },
  out: { type: 'string', default: DEFAULTS.out },
  json: { type: 'string' },
} as const;

/** Parses the command line. @throws StackError `bad-flag`, with the list of valid flags */
export function readCompareOptions(args: readonly string[]): CompareOptions {
  const { full, only, orders, 'save-ms': saveMs, seed, out, json } = parseFlags(args);
  const unknown = only.find((wanted) => !WAY_NAMES.some((name) => isWanted(name, [wanted])));
  if (unknown !== undefined) throw badFlag(`Unknown way "${unknown}"`);
  const directory = resolve(PROJECT_DIRECTORY, required('out', out));
  return {
    orders: wholeFlag('orders', orders, 1, MOST_ORDERS),
    seed: wholeFlag('seed', seed, 0, Number.MAX_SAFE_INTEGER),
    saveMs: saveBounds(saveMs),
    full,
    only,
    directory,
    jsonFile: json === undefined ? join(directory, 'compare.json') : resolve(required('json', json)),
  };
}

/** Returns whether `only` selects this way. */
export function isWanted(name: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((wanted) => name === wanted || name.startsWith(`${wanted}-`));
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAG_TYPES, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw badFlag(error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error));
  }
}

function wholeFlag(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw badFlag(`--${name} must be an integer from ${least} to ${most}, got "${text}"`);
}

function saveBounds(text: string): SaveBounds {
  const [, least, most] = /^(\d{1,5})\.\.(\d{1,5})$/.exec(text) ?? [];
  const bounds = { minimum: Number(least), maximum: Number(most) };
  // Without any wait there is nothing to compare, and no theoretical minimum.
  if (bounds.maximum >= 1 && bounds.minimum <= bounds.maximum) return bounds;
  throw badFlag(`--save-ms must be a range of milliseconds such as 0..1000, the minimum first, got "${text}"`);
}

function required(name: string, text: string): string {
  if (text !== '') return text;
  throw badFlag(`--${name} must be a path, got ""`);
}

function badFlag(message: string): StackError {
  return new StackError('bad-flag', `${message}.`, FLAGS);
}
