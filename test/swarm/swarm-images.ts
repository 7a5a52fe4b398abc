import { Command, InvalidArgumentError } from 'commander';
import { join } from 'node:path';
import { ComposeProject, type PrivateEngine } from '../compose/private-engine.js';
import {
  areCached,
  buildImages,
  provideAppImages,
  provideCompose,
  provideImages,
  provideStandIns,
  type ImageSet,
  CADDY,
  cachedPart,
  provideCaddy,
} from '../compose/images.js';
import { aptUnpack } from '../support/fetched-programs.js';

/** The groups of steps of a run between `up` and `down`, in their order. They do not depend on each other. */
const GROUPS = ['update', 'fail', 'scale', 'rotate', 'backup'] as const;
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

/** Debian's packages, by their names in the build context. */
const PACKAGES = {
  busybox: 'busybox-static',
  prometheus: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
  'prometheus-blackbox-exporter': 'prometheus-blackbox-exporter',
} as const;

/** Stand-ins for the images that only the swarm needs. */
const TOOL_IMAGES: ImageSet = {
  name: 'swarm-tools',
  images: [`caddy:${CADDY}`, 'prom/prometheus:v3.5.0', 'prom/alertmanager:v0.28.1', 'prom/blackbox-exporter:v0.27.0'],
  sources: ['test/swarm/stand-ins'],
  versions: [CADDY, ...Object.values(PACKAGES)],
};

/** Returns whether the cache has all images of the swarm. */
export function areAllCached(): boolean {
  return areCached(TOOL_IMAGES);
}

/**
 * Loads all images of the stack file into an engine, except for Grafana's, or builds and stores those that the cache lacks. A build installs
 * packages, so it needs an engine in the machine's own network.
 * @param directory of the engine: build contexts are made in it
 */
export async function provideSwarmImages(engine: PrivateEngine, directory: string, signal: AbortSignal): Promise<void> {
  if (!areAllCached()) await provideCompose(engine, signal);
  await provideStandIns(engine, join(directory, 'stand-ins'), signal);
  await provideImages(engine, TOOL_IMAGES, async () => {
    const programs: Record<string, string> = { caddy: await provideCaddy(signal) };
    for (const [to, name] of Object.entries(PACKAGES)) {
      const part = await cachedPart(`debian-${name}`, async (folder) => aptUnpack(name, folder, signal));
      programs[to] = part.directory;
    }
    await buildImages(engine, 'test/swarm/stand-ins', programs, join(directory, 'tools'));
  });
  await provideAppImages(engine, await ComposeProject.create(engine));
}
