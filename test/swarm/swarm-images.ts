import { join } from 'node:path';
import { ComposeProject } from '../compose/compose-project.js';
import {
  areCached,
  buildImages,
  provideAppImages,
  provideCompose,
  provideImages,
  provideStandIns,
  type ImageSet,
} from '../compose/images.js';
import { CADDY, cachedPart, provideCaddy } from '../compose/part-cache.js';
import type { PrivateEngine } from '../compose/private-engine.js';
import { aptUnpack } from '../support/debian-apt.js';

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
