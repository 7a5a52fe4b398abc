import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';

/** Gives each case of a file a folder of its own. @returns a function that returns its path, or that of a name in it */
export function useTemporaryFolder(): (...names: readonly string[]) => string {
  let path = '';
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'orders-test-'));
  });
  afterEach(async () => {
    await rm(path, { recursive: true, force: true });
  });
  return (...names) => join(path, ...names);
}

/** Writes a file, and the folders above it. */
export async function writeInto(path: string, text = ''): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
