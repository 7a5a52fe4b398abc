import { readdir, readFile } from 'node:fs/promises';

/** What a process holds. */
export interface Footprint {
  readonly name: string;
  readonly openFiles: number;
  readonly rssMiB: number;
}

/** Of processes that run; Linux. */
export async function footprints(processes: readonly { name: string; pid: number }[]): Promise<Footprint[]> {
  return Promise.all(
    processes.map(async ({ name, pid }) => ({
      name,
      openFiles: (await readdir(`/proc/${pid}/fd`)).length,
      rssMiB: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024),
    })),
  );
}

/** MongoDB's driver keeps the connections that it needed most at once, up to a hundred; what is beyond that nobody has a use for. */
const SOME_FILES = 150;

/** Apps that hold more open than one of their kind did when all was calm. Servers keep files by what they have been given to store. */
export function leaks(before: readonly Footprint[], after: readonly Footprint[]): string[] {
  return after.flatMap(({ name, openFiles }) => {
    const calm = before.filter((each) => kindOf(each.name) === kindOf(name)).map((each) => each.openFiles);
    const limit = Math.max(...calm) + SOME_FILES;
    return /^(producer|consumer|query-api)/.test(name) && openFiles > limit
      ? [`${name} has ${openFiles} files open, and had at most ${limit - SOME_FILES}`]
      : [];
  });
}

function kindOf(name: string): string {
  return name.replace(/-\d+$/, '');
}
