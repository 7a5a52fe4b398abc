import { readdir, readFile } from 'node:fs/promises';
import { isErrno } from '../../../dev/machine/process-table.js';
import type { Cluster } from '../cluster/cluster.js';

/** What a process holds. */
export interface Footprint {
  readonly name: string;
  readonly openFiles: number;
  readonly rssMiB: number;
  /** Timers, sockets and requests that keep it going, as Node counts them; `null` of what isn't Node, or doesn't answer. */
  readonly handles: number | null;
}

/** Of all processes of a cluster, which run; Linux. */
export async function footprints(cluster: Cluster): Promise<Footprint[]> {
  const urls = new Map(cluster.apps.all.map(({ name, url }) => [name, url]));
  const found = await Promise.all(
    cluster.running().map(async ({ name, pid }) => footprintOf(name, pid, urls.get(name))),
  );
  return found.flat();
}

/** @returns nothing of a process that ends meanwhile */
async function footprintOf(name: string, pid: number, url: string | undefined): Promise<Footprint[]> {
  try {
    const openFiles = (await readdir(`/proc/${pid}/fd`)).length;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const rssMiB = Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024);
    return [{ name, openFiles, rssMiB, handles: await handlesOf(url) }];
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return [];
    throw error;
  }
}

const HANDLES = /^nodejs_active_resources_total (\d+)/m;
const PATIENCE_MS = 3_000;

async function handlesOf(url: string | undefined): Promise<number | null> {
  if (url === undefined) return null;
  try {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const found = HANDLES.exec(await response.text())?.[1];
    return found === undefined ? null : Number(found);
  } catch {
    // Whether it answers is for others to find.
    return null;
  }
}

const APPS: ReadonlySet<string> = new Set(['producer', 'consumer', 'query-api']);

/** MongoDB's driver keeps the connections that it needed most at once, up to a hundred; what is beyond that nobody has a use for. */
const SOME_FILES = 150;
const SOME_HANDLES = 200;
/** Node lets garbage lie as long as there is room for it. */
const SOME_MIB = 300;

/** Apps that hold more than one of their kind did when all was calm. Servers keep files and memory by what they have been given to store. */
export function leaks(before: readonly Footprint[], after: readonly Footprint[]): string[] {
  const apps = after.filter(({ name }) => APPS.has(kindOf(name)));
  return apps.flatMap((app) => {
    const calm = before.filter((each) => kindOf(each.name) === kindOf(app.name));
    const beyond = (what: string, of: (footprint: Footprint) => number, some: number): string[] => {
      const most = Math.max(...calm.map(of));
      return of(app) > most + some ? [`${app.name} has ${of(app)} ${what}, and had at most ${most}`] : [];
    };
    return [
      beyond('files open', ({ openFiles }) => openFiles, SOME_FILES),
      beyond('handles', ({ handles }) => handles ?? 0, SOME_HANDLES),
      app.handles === null ? [`${app.name} does not tell its handles`] : [],
      beyond('MiB of memory', ({ rssMiB }) => rssMiB, SOME_MIB),
    ].flat();
  });
}

/** In one line: what each kind of app holds at the most, before and after. */
export function growth(before: readonly Footprint[], after: readonly Footprint[]): string {
  const kinds = new Set(before.map(({ name }) => kindOf(name)).filter((kind) => APPS.has(kind)));
  const most = (all: readonly Footprint[], kind: string, of: (footprint: Footprint) => number): number =>
    Math.max(...all.filter(({ name }) => kindOf(name) === kind).map(of));
  return [...kinds]
    .map((kind) => {
      const change = (of: (footprint: Footprint) => number): string =>
        `${most(before, kind, of)} → ${most(after, kind, of)}`;
      return `${kind} ${change(({ rssMiB }) => rssMiB)} MiB, ${change(({ openFiles }) => openFiles)} files, ${change(({ handles }) => handles ?? 0)} handles`;
    })
    .join('; ');
}

function kindOf(name: string): string {
  return name.replace(/-\d+$/, '');
}
