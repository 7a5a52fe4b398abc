import { parseArgs } from 'node:util';
import { StackError } from '../../dev/stack-error.js';
import type { LoadRates } from './swarm-load.js';

/** The groups of steps of a run between `up` and `down`, in their order. They do not depend on each other. */
export const GROUPS = ['update', 'fail', 'scale', 'rotate', 'backup'] as const;
export type Group = (typeof GROUPS)[number];

/** The options of `npm run test:swarm`. */
export interface SwarmOptions {
  readonly rates: LoadRates;
  /** The run is ended after this time. */
  readonly minutes: number;
  readonly groups: readonly Group[];
  /** The services of the rolling update; none: every service but the gateway, with a new image. */
  readonly services: readonly string[];
}

/** What two cores carry beside three brokers and three members of MongoDB, in the time that they need. */
const DEFAULTS = { orders: '200', reads: '20', minutes: '75' };

/**
 * Reads `--orders N`, `--reads N` (each in a second), `--minutes N`, `--steps A,B` and `--services A,B`.
 * @throws StackError `bad-flag`
 */
export function readSwarmOptions(args: readonly string[]): SwarmOptions {
  const values = valuesIn(args);
  const numberOf = (name: keyof typeof DEFAULTS): number => {
    const value = Number(values[name] ?? DEFAULTS[name]);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new StackError('bad-flag', `--${name} must be a whole number of at least 1, got ${values[name]}.`, '');
    return value;
  };
  const groups = listOf(values.steps) ?? GROUPS;
  const unknown = groups.find((name) => !GROUPS.some((group) => group === name));
  if (unknown !== undefined)
    throw new StackError('bad-flag', `--steps must be some of ${GROUPS.join(', ')}, got ${unknown}.`, '');
  return {
    rates: { orders: numberOf('orders'), reads: numberOf('reads') },
    minutes: numberOf('minutes'),
    groups: GROUPS.filter((group) => groups.includes(group)),
    services: listOf(values.services) ?? [],
  };
}

function listOf(text: string | undefined): string[] | undefined {
  return text?.split(',').filter(Boolean);
}

function valuesIn(args: readonly string[]): Partial<Record<keyof typeof DEFAULTS | 'steps' | 'services', string>> {
  const text = { type: 'string' } as const;
  const options = { orders: text, reads: text, minutes: text, steps: text, services: text };
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new StackError('bad-flag', String(error instanceof Error ? error.message : error), '', { cause: error });
  }
}
