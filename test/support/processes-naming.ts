import { readdir, readFile } from 'node:fs/promises';

/** Returns the pids of the processes whose command line contains all texts. */
export async function processesNaming(...texts: readonly string[]): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const named = await Promise.all(
    pids.map(async (pid) => {
      // A process that has ended meanwhile has no command line.
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return texts.every((text) => line.includes(text)) ? [Number(pid)] : [];
    }),
  );
  return named.flat();
}
