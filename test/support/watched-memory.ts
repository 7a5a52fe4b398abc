import { readFile } from 'node:fs/promises';
import { betweenTries } from './eventually.js';

/** Polls a process's resident memory until `end` is called. @returns the maximum in MiB, from `end` */
export function watchMemory(pid: number): { end: () => Promise<number> } {
  const stop = new AbortController();
  const watching = (async () => {
    let most = 0;
    while (!stop.signal.aborted) {
      most = Math.max(most, Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
      await betweenTries(25, stop.signal);
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
