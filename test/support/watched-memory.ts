import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Polls a process's resident memory until `end` is called. @returns the maximum in MiB, from `end` */
export function watchMemory(pid: number): { end: () => Promise<number> } {
  const stop = new AbortController();
  const watching = (async () => {
    let most = 0;
    while (!stop.signal.aborted) {
      most = Math.max(most, Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
      await delay(25, undefined, { signal: stop.signal }).catch(() => undefined);
    }
    return most;
  })();
  return {
    end: async () => {
      stop.abort();
      return watching;
    },
  };
}
