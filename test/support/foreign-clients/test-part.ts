import { join } from 'node:path';
import { PidLock, machineProcesses } from '../../../dev/machine/processes.js';
import { cacheDirectory, partIn, removeUnfinished, type Part } from '../../../dev/parts/parts.js';

const quiet = (): void => undefined;

/** Finds a part that only tests need in the cache, or installs it with `fetch`. Concurrent calls are safe: the second one waits. */
export async function provideTestPart(name: string, fetch: (part: Part) => Promise<void>): Promise<string> {
  const cache = cacheDirectory(process.env);
  const lock = await PidLock.wait(join(cache, 'fetching.lock'), machineProcesses, quiet);
  try {
    await removeUnfinished(cache);
    const part = partIn(cache, name);
    if (!part.isCached) await fetch(part);
    return part.directory;
  } finally {
    lock.release();
  }
}
