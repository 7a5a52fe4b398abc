import { readdir, readFile } from 'node:fs/promises';
import { isErrno } from '../../../dev/machine/process-table.js';
import type { Cluster } from '../cluster/cluster.js';

/** Resource use of a process. */
export interface Footprint {
  readonly name: string;
  readonly openFiles: number;
  readonly rssMiB: number;
  /** Timers, sockets and requests that keep the event loop alive, as Node.js counts them; `null` if it isn't Node.js or doesn't answer. */
  readonly handles: number | null;
}

/** Reads the footprints of all running processes of a cluster. Linux only. */
export async function footprints(cluster: Cluster): Promise<Footprint[]> {
  const urls = new Map(cluster.apps.all.map(({ name, url }) => [name, url]));
  const found = await Promise.all(
    cluster.running().map(async ({ name, pid }) => footprintOf(name, pid, urls.get(name))),
  );
  return found.flat();
}

/** @returns an empty list if the process ends meanwhile */
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
const TIMEOUT_MS = 3_000;

async function handlesOf(url: string | undefined): Promise<number | null> {
  if (url === undefined) return null;
  try {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const found = HANDLES.exec(await response.text())?.[1];
    return found === undefined ? null : Number(found);
  } catch {
    // Other checks find out whether the app answers.
    return null;
  }
}

const APPS: ReadonlySet<string> = new Set(['producer', 'consumer', 'query-api']);

/** MongoDB's driver keeps the peak number of connections open, up to 100; a growth beyond that is a leak. */
const ALLOWED_FILES = 150;
const ALLOWED_HANDLES = 200;
/** V8 delays garbage collection as long as the heap has room. */
const ALLOWED_MIB = 300;

/** Lists the apps that hold more resources than their kind did before the faults. Servers are exempt: they grow with the stored data. */
export function leaks(before: readonly Footprint[], after: readonly Footprint[]): string[] {
  const apps = after.filter(({ name }) => APPS.has(kindOf(name)));
  return apps.flatMap((app) => {
    const calm = before.filter((each) => kindOf(each.name) === kindOf(app.name));
    const beyond = (what: string, of: (footprint: Footprint) => number, allowed: number): string[] => {
      const most = Math.max(...calm.map(of));
      return of(app) > most + allowed ? [`${app.name} has ${of(app)} ${what}, at most ${most} before`] : [];
    };
    return [
      beyond('open files', ({ openFiles }) => openFiles, ALLOWED_FILES),
      beyond('handles', ({ handles }) => handles ?? 0, ALLOWED_HANDLES),
      app.handles === null ? [`${app.name} does not report its handles`] : [],
      beyond('MiB of memory', ({ rssMiB }) => rssMiB, ALLOWED_MIB),
    ].flat();
  });
}

/** Formats in one line the maximum resource use of each kind of app, before and after. */
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
