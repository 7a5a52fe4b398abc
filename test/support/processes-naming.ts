import { readdir, readFile } from 'node:fs/promises';

/** The pids of the processes whose command line names all of this. */
export async function processesNaming(...texts: readonly string[]): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const named = await Promise.all(
    pids.map(async (pid) => {
      // One that has ended meanwhile has none.
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return texts.every((text) => line.includes(text)) ? [Number(pid)] : [];
    }),
  );
  return named.flat();
}
