import { join } from 'node:path';
import { PidLock } from '../../../dev/machine/pid-lock.js';
import { machineProcesses } from '../../../dev/machine/process-table.js';
import { cacheDirectory } from '../../../dev/parts/cache-directory.js';
import { partIn, removeUnfinished, type Part } from '../../../dev/parts/part.js';

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
