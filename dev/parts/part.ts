import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

const UNFINISHED = '.unfinished-';

/** A fetched part: a folder of the cache, named after its content and version. */
export interface Part {
  readonly directory: string;
  readonly isCached: boolean;
}

export function partIn(cache: string, name: string): Part {
  const directory = join(cache, name);
  return { directory, isCached: existsSync(directory) };
}

/**
 * Lets `fill` write into a temporary folder and renames that to the part's name when it is complete. An interrupted fetch
 * therefore never leaves an incomplete part under the part's name.
 */
export async function installPart(part: Part, fill: (directory: string) => Promise<void>): Promise<void> {
  const parent = join(part.directory, '..');
  await mkdir(parent, { recursive: true });
  const unfinished = await mkdtemp(join(parent, UNFINISHED));
  try {
    await fill(unfinished);
    await rename(unfinished, part.directory);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Removes what interrupted fetches left. Only the holder of the cache's lock may call it: no other fetch runs then. */
export async function removeUnfinished(cache: string): Promise<void> {
  const entries = await readdir(cache);
  const unfinished = entries.filter((entry) => entry.startsWith(UNFINISHED));
  await Promise.all(unfinished.map((entry) => rm(join(cache, entry), { recursive: true, force: true })));
}
