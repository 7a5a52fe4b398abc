import { join } from 'node:path';
import { PidLock } from '../../dev/machine/pid-lock.js';
import { machineProcesses } from '../../dev/machine/process-table.js';
import { cacheDirectory } from '../../dev/parts/cache-directory.js';
import { FetchProgress } from '../../dev/parts/fetch-progress.js';
import { installPart, partIn, removeUnfinished, type Part } from '../../dev/parts/part.js';

/** The cache of the parts that a run needs besides those of the embedded stack. */
export const CACHE = join(cacheDirectory(process.env), 'compose');

/** Waits until no other run of this user has an engine or fetches parts. Removes what a killed run has fetched incompletely. */
export async function lockCache(): Promise<PidLock> {
  const lock = await PidLock.wait(join(CACHE, 'run.lock'), machineProcesses, ({ pid }) =>
    console.log(`waiting for process ${pid}, which runs an engine`),
  );
  await removeUnfinished(CACHE);
  return lock;
}

/** Returns a part, which `fill` fetches or builds unless it is cached. The caller must hold the lock of the cache. */
export async function cachedPart(name: string, fill: (directory: string) => Promise<void>): Promise<Part> {
  const part = partIn(CACHE, name);
  if (!part.isCached) await new FetchProgress(console.log).during(name, () => installPart(part, fill));
  return part;
}
