import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { CACHE, cachedPart } from './part-cache.js';
import type { PrivateEngine } from './private-engine.js';

/** Images that are built together, and stored in the cache as one archive. */
export interface ImageSet {
  readonly name: string;
  readonly images: readonly string[];
  /** Files and folders of the project whose content decides whether they must be built again. */
  readonly sources: readonly string[];
  /** What else decides, such as versions of parts. */
  readonly versions: readonly string[];
}

const SAVED = 'images.tar';

/**
 * Loads images from the cache into an engine, or builds and stores them. Tests with an engine of their own share them, so that only the first
 * one builds. Only the newest archive of a set is kept.
 * @param build leaves the images in the engine
 */
export async function provideImages(
  engine: PrivateEngine,
  set: ImageSet,
  build: () => Promise<void>,
): Promise<'loaded' | 'built'> {
  const name = partName(set);
  let isBuilt = false;
  const part = await cachedPart(name, async (directory) => {
    await build();
    isBuilt = true;
    await engine.docker(['save', '--output', join(directory, SAVED), ...set.images]);
  });
  removeOlder(set, name);
  if (isBuilt) return 'built';
  await engine.docker(['load', '--quiet', '--input', join(part.directory, SAVED)]);
  return 'loaded';
}

/** Returns whether the images need no build. */
export function areCached(set: ImageSet): boolean {
  return readdirSync(CACHE).includes(partName(set));
}

function partName({ name, images, sources, versions }: ImageSet): string {
  const hash = createHash('sha256').update(JSON.stringify([images, versions]));
  for (const file of sources.flatMap((source) => filesIn(join(PROJECT_DIRECTORY, source)))) {
    hash.update(`${relative(PROJECT_DIRECTORY, file)}\n`).update(readFileSync(file));
  }
  return `${prefixOf(name)}${hash.digest('hex').slice(0, 16)}`;
}

function prefixOf(name: string): string {
  return `images-${name}-`;
}

function removeOlder({ name }: ImageSet, current: string): void {
  const older = readdirSync(CACHE).filter((entry) => entry.startsWith(prefixOf(name)) && entry !== current);
  for (const entry of older) rmSync(join(CACHE, entry), { recursive: true, force: true });
}

/** Lists the files that a build reads, without outputs and specs (.dockerignore). @param path of a file or folder */
function filesIn(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && name !== 'dist' && !name.endsWith('.spec.ts'))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name }) => filesIn(join(path, name)));
}
