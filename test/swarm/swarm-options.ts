import { Command, InvalidArgumentError } from 'commander';

/** The groups of steps of a run between `up` and `down`, in their order. They do not depend on each other. */
export const GROUPS = ['update', 'fail', 'scale', 'rotate', 'backup'] as const;
export type Group = (typeof GROUPS)[number];

/** The options of `npm run test:swarm`. */
export interface SwarmOptions {
  /** Per second, as `reads`. */
  readonly orders: number;
  readonly reads: number;
  /** The run is ended after this time. */
  readonly minutes: number;
  readonly steps: readonly Group[];
  /** The services of the rolling update; none: every service but the gateway, with a new image. */
  readonly services: readonly string[];
}

/** The defaults are what two cores carry beside three brokers and three members of MongoDB, in the time that they need. */
export function readSwarmOptions(args: readonly string[]): SwarmOptions {
  return new Command('npm run test:swarm --')
    .option('--orders <n>', 'orders per second', wholeNumber, 200)
    .option('--reads <n>', 'reads per second', wholeNumber, 20)
    .option('--minutes <n>', 'time after which the run ends', wholeNumber, 75)
    .option('--steps <names>', `some of ${GROUPS.join(',')}`, toGroups, GROUPS as readonly Group[])
    .option('--services <names>', 'services of the rolling update', toNames, [])
    .allowExcessArguments(false)
    .parse([...args], { from: 'user' })
    .opts<SwarmOptions>();
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It must be an integer from 1 to 999,999.');
  return Number(text);
}

function toNames(text: string): string[] {
  return text.split(',').filter(Boolean);
}

function toGroups(text: string): readonly Group[] {
  const names = toNames(text);
  const groups = GROUPS.filter((group) => names.includes(group));
  if (groups.length < names.length) throw new InvalidArgumentError(`It must be some of ${GROUPS.join(', ')}.`);
  return groups;
}
