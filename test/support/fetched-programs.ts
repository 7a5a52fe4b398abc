import { join, delimiter } from 'node:path';
import { PidLock, machineProcesses } from '../../dev/machine/processes.js';
import { cacheDirectory, partIn, removeUnfinished, type Part, installPart } from '../../dev/parts/parts.js';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { runClient } from '../../dev/parts/package-clients.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { fetchLimit } from './eventually.js';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';

const quiet = (): void => undefined;

/** Finds a part that only tests need in the cache, or installs it with `fetch`. Concurrent calls are safe: the second one waits. */
export async function provideTestPart(name: string, fetch: (part: Part) => Promise<void>): Promise<string> {
  const cache = cacheDirectory(process.env);
  const lock = await PidLock.wait(join(cache, 'fetching.lock'), machineProcesses, quiet);
  try {
    await removeUnfinished(cache);
    const part = partIn(cache, name);
    if (!part.isCached) await fetch(part);
    return part.directory;
  } finally {
    lock.release();
  }
}

const FOLDER = join(PROJECT_DIRECTORY, 'test', 'support', 'foreign-clients');

/** The Python package that brings librdkafka. */
export const CONFLUENT_KAFKA = 'confluent-kafka==2.16.1';
const FASTAVRO = 'fastavro==1.13.1';
/** MongoDB's driver, with its BSON library. */
const PYMONGO = 'pymongo==4.20.0';

/** Returns the folder of Python packages; pip fetches them once into the cache. @param requirements with exact versions */
export async function providePythonPackages(...requirements: readonly string[]): Promise<string> {
  // The wheels are built for one Python version: another python3 on the PATH needs others.
  const { stdout } = await promisify(execFile)('python3', ['-c', 'import sys; print(sys.implementation.cache_tag)']);
  const name = requirements.map((each) => each.replace('==', '-')).join('-');
  return provideTestPart(`${name}-${stdout.trim()}`, (part) =>
    installPart(part, (directory) =>
      runClient({
        command: 'python3',
        args: ['-m', 'pip', 'install', '--quiet', '--no-input', '--target', directory, ...requirements],
        // A `user = true` in the user's pip settings can't be combined with --target.
        env: { PIP_USER: '0', PIP_ROOT_USER_ACTION: 'ignore' },
        fetching: requirements.join(', '),
        signal: fetchLimit(),
      }),
    ),
  );
}

/** Runs a script of this folder until it ends. @returns what it prints, which is JSON */
async function runPython<T>(script: string, packages: readonly string[], ...args: readonly string[]): Promise<T> {
  const env = { ...process.env, PYTHONPATH: await providePythonPackages(...packages) };
  const { stdout } = await promisify(execFile)('python3', [join(FOLDER, script), ...args], { env });
  return JSON.parse(stdout) as T;
}

/** What `compare_stores.py` has found. */
export interface StoreComparison {
  readonly records: number;
  readonly undecodable: number;
  readonly deadLetters: number;
  readonly stored: number;
  readonly lost: number;
  readonly doubled: number;
  readonly foreign: number;
  readonly counterLow: boolean;
  readonly examples: readonly string[];
}

interface ComparedStores {
  readonly brokers: string;
  readonly registryUrl: string;
  readonly mongodbUri: string;
}

/** Compares Kafka with MongoDB by librdkafka, fastavro and pymongo, in Python. */
export async function compareStores({ brokers, registryUrl, mongodbUri }: ComparedStores): Promise<StoreComparison> {
  const packages = [CONFLUENT_KAFKA, FASTAVRO, PYMONGO];
  return runPython('compare_stores.py', packages, brokers, registryUrl, mongodbUri);
}

/** What `read_dump.py` says about a collection. */
interface ReadDump {
  readonly documents: number;
  readonly sameBytes: boolean;
  readonly options: object;
  readonly indexes: readonly string[];
}

/** Reads collections of a dump by pymongo, and compares them with a database. @param folder that of the database in the backup */
export async function readDumpByPymongo(
  folder: string,
  mongodbUri: string,
  ...collections: readonly string[]
): Promise<Readonly<Record<string, ReadDump>>> {
  return runPython('read_dump.py', [PYMONGO], folder, mongodbUri, ...collections);
}

export function isOnPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => existsSync(join(directory, command)));
}

/**
 * Installs Debian's package of a command that isn't on the PATH.
 * @throws if there is no apt-get or this user isn't root, StackError `fetch-failed`
 */
export async function provideCommand(command: string, debianPackage: string, signal: AbortSignal): Promise<void> {
  if (isOnPath(command)) return;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    throw new Error(`${command} is not on the PATH: install it (Debian: ${debianPackage}).`);
  }
  await aptInstall([debianPackage], signal);
}

/** Installs Debian packages, as root. @throws `fetch-failed` */
export async function aptInstall(packages: readonly string[], signal: AbortSignal): Promise<void> {
  await apt(['update'], signal);
  await apt(['install', '--yes', '--no-install-recommends', ...packages], signal);
}

/** Unpacks a Debian package into an empty folder, without installing it. As root, updates the lists first. @throws `fetch-failed` */
export async function aptUnpack(name: string, directory: string, signal: AbortSignal): Promise<void> {
  if (process.getuid?.() === 0) await apt(['update'], signal);
  await apt(['download', name], signal, directory);
  const archive = (await readdir(directory)).find((file) => file.endsWith('.deb')) ?? '';
  const args = ['--extract', archive, '.'];
  await runClient({ command: 'dpkg-deb', args, cwd: directory, fetching: `Debian's package ${name}`, signal });
  await rm(join(directory, archive));
}

async function apt(args: readonly string[], signal: AbortSignal, cwd = process.cwd()): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await runClient({ command: 'apt-get', args: ['--quiet', ...args], env, cwd, fetching: "Debian's packages", signal });
}
