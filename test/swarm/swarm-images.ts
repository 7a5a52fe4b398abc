import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { areCached, provideImages, type ImageSet } from '../compose/cached-images.js';
import { provideCompose } from '../compose/compose-plugin.js';
import { ComposeProject } from '../compose/compose-project.js';
import { cachedPart } from '../compose/part-cache.js';
import type { PrivateEngine } from '../compose/private-engine.js';
import { APP_IMAGES, areImagesCached, provideStandIns } from '../compose/stand-in-images.js';
import { aptUnpack } from '../support/debian-apt.js';
import { CADDY, provideCaddy } from './gateway-program.js';

const PACKAGES = ['busybox-static', 'prometheus', 'prometheus-alertmanager', 'prometheus-blackbox-exporter'] as const;

/** Stand-ins for the images that only the swarm needs. */
const TOOL_IMAGES: ImageSet = {
  name: 'swarm-tools',
  images: [`caddy:${CADDY}`, 'prom/prometheus:v3.5.0', 'prom/alertmanager:v0.28.1', 'prom/blackbox-exporter:v0.27.0'],
  sources: ['test/swarm/stand-ins'],
  versions: [CADDY, ...PACKAGES],
};

/** Returns whether the cache has all images of the swarm. */
export function areAllCached(): boolean {
  return areImagesCached() && areCached(TOOL_IMAGES);
}

/**
 * Loads all images of the stack file into an engine, except for Grafana's, or builds and stores those that the cache lacks. A build installs
 * packages, so it needs an engine in the machine's own network.
 */
export async function provideSwarmImages(engine: PrivateEngine, context: string, signal: AbortSignal): Promise<void> {
  if (!areAllCached()) await provideCompose(engine, signal);
  await provideStandIns(engine, join(context, 'servers'), signal);
  await provideImages(engine, TOOL_IMAGES, async () => buildTools(engine, join(context, 'tools'), signal));
  await provideImages(engine, APP_IMAGES, async () => {
    const project = await ComposeProject.create(engine);
    // One after the other: the builder shares no layers between concurrent builds, and both begin with all packages.
    await project.run('build', 'producer');
    await project.run('build', 'issuer');
  });
}

async function buildTools(engine: PrivateEngine, context: string, signal: AbortSignal): Promise<void> {
  await cp(join(PROJECT_DIRECTORY, 'test', 'swarm', 'stand-ins'), context, { recursive: true });
  await cp(await provideCaddy(signal), join(context, 'caddy'), { recursive: true });
  for (const name of PACKAGES) {
    const part = await cachedPart(`debian-${name}`, async (directory) => aptUnpack(name, directory, signal));
    const to = join(context, name === 'busybox-static' ? 'busybox' : name);
    await mkdir(to, { recursive: true });
    await cp(part.directory, to, { recursive: true, verbatimSymlinks: true });
  }
  await engine.docker(['compose', '--progress', 'plain', '--file', join(context, 'build.yml'), 'build']);
}
