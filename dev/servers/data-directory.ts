import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PidLock, machineProcesses, isErrno, type ProcessTable } from '../machine/processes.js';
import { StackError } from '../stack-error.js';
import { setTimeout as delay } from 'node:timers/promises';
import { timeLimit } from '#orders/time-limit.js';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';

/** The data folder of a stack. Only one stack at a time can open it. */
export class DataDirectory {
  private constructor(
    readonly path: string,
    readonly records: ProcessRecords,
    private readonly lock: PidLock,
  ) {}

  /**
   * Opens the folder, creating it if necessary, and ends the processes that a killed stack left running on it.
   * @throws StackError `data-in-use` when another stack runs on it
   */
  static async open(path: string, print: (line: string) => void): Promise<DataDirectory> {
    mkdirSync(path, { recursive: true });
    const lock = PidLock.acquire(join(path, 'stack.lock'), machineProcesses);
    if (!(lock instanceof PidLock)) throw inUse(path, lock.pid);
    const records = new ProcessRecords(path, machineProcesses);
    try {
      await endLeftovers(records, machineProcesses, print);
    } catch (error) {
      lock.release();
      throw error;
    }
    return new DataDirectory(path, records, lock);
  }

  /** The number of partitions with which a stack created `orders.v1` on this data, or undefined on fresh data. */
  get partitions(): number | undefined {
    if (!existsSync(this.recordPath)) return undefined;
    const value: unknown = JSON.parse(readFileSync(this.recordPath, 'utf8'));
    if (typeof value !== 'object' || value === null || !('partitions' in value)) return undefined;
    return typeof value.partitions === 'number' ? value.partitions : undefined;
  }

  recordPartitions(partitions: number): void {
    writeFileSync(`${this.recordPath}.new`, `${JSON.stringify({ partitions })}\n`);
    renameSync(`${this.recordPath}.new`, this.recordPath);
  }

  /** Releases the folder for the next stack. Call it only after all processes of this stack have ended. */
  close(): void {
    this.lock.release();
  }

  private get recordPath(): string {
    return join(this.path, 'stack.json');
  }
}

function inUse(path: string, pid: number): StackError {
  return new StackError(
    'data-in-use',
    `A stack already runs on ${path} (pid ${pid}).`,
    `Stop it first (Ctrl-C there, or kill ${pid}), or use other data and ports for this one: ` +
      'KAFKA_PORT=19092 REGISTRY_PORT=18081 MONGODB_PORT=37017 PRODUCER_PORT=13001 QUERY_API_PORT=13000 CONSOLE_PORT=13002 npm start -- --data .data-2',
  );
}

/** A process that a stack started on a data folder. */
export interface ProcessRecord {
  readonly kind: 'app' | 'server';
  readonly name: string;
  readonly pid: number;
  readonly identity: string;
}

/**
 * The processes that run on a data folder, recorded in it. The next start can end those that outlived a killed supervisor.
 * Written on every change, by renaming: a crash at any time leaves a complete file.
 */
export class ProcessRecords {
  private readonly path: string;

  constructor(
    private readonly dataDirectory: string,
    private readonly processes: ProcessTable,
  ) {
    this.path = join(dataDirectory, 'processes.json');
  }

  /**
   * Records a process that has just been started, unless it has already ended.
   * @throws if it can't be recorded, such as on a full disk; the process is then killed, since the next start would not find it
   */
  add(kind: ProcessRecord['kind'], name: string, pid: number): void {
    const identity = this.processes.identityOf(pid);
    if (identity === undefined) return;
    try {
      this.write([...this.read(), { kind, name, pid, identity }]);
    } catch (error) {
      this.processes.signal(pid, 'SIGKILL');
      throw error;
    }
  }

  remove(pid: number): void {
    this.write(this.read().filter((record) => record.pid !== pid));
  }

  /** Returns the recorded processes that still run. Processes that reuse a recorded pid don't count. */
  running(): ProcessRecord[] {
    return this.read().filter(({ pid, identity }) => this.processes.identityOf(pid) === identity);
  }

  clear(): void {
    rmSync(this.path, { force: true });
  }

  private read(): ProcessRecord[] {
    try {
      return parseRecords(readFileSync(this.path, 'utf8'));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return [];
      throw error;
    }
  }

  private write(records: readonly ProcessRecord[]): void {
    mkdirSync(this.dataDirectory, { recursive: true });
    writeFileSync(`${this.path}.new`, JSON.stringify(records, undefined, 2));
    renameSync(`${this.path}.new`, this.path);
  }
}

/** Parses the file of records. Skips invalid entries, such as from a manual edit. */
export function parseRecords(text: string): ProcessRecord[] {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function isRecord(value: unknown): value is ProcessRecord {
  if (typeof value !== 'object' || value === null) return false;
  if (!('kind' in value) || !('name' in value) || !('pid' in value) || !('identity' in value)) return false;
  const { kind, name, pid, identity } = value;
  const isKind = kind === 'app' || kind === 'server';
  return isKind && typeof name === 'string' && typeof pid === 'number' && typeof identity === 'string';
}

/** The apps' own drain budget is 18 s. */
const DRAIN_MS = timeLimit(19_000);
const STOP_MS = timeLimit(15_000);

/**
 * Ends the processes that a killed supervisor left behind. Its apps are already draining, so it waits for them first.
 * Only then it ends the servers, which the draining apps need. The caller must hold the lock of the data folder.
 */
async function endLeftovers(
  records: ProcessRecords,
  processes: ProcessTable,
  print: (line: string) => void,
): Promise<void> {
  const left = records.running();
  if (left.length > 0) {
    print(`ending processes of an earlier run: ${left.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ')}`);
    const apps = left.filter(({ kind }) => kind === 'app');
    const servers = left.filter(({ kind }) => kind === 'server');
    await endAll(apps, DRAIN_MS, processes);
    for (const { pid } of servers) processes.signal(pid, 'SIGTERM');
    await endAll(servers, STOP_MS, processes);
  }
  records.clear();
}

/** Waits until the processes have ended, and kills those that still run after the budget. */
async function endAll(left: readonly ProcessRecord[], budgetMs: number, processes: ProcessTable): Promise<void> {
  const runs = ({ pid, identity }: ProcessRecord): boolean => processes.identityOf(pid) === identity;
  const deadline = Date.now() + budgetMs;
  while (left.some(runs) && Date.now() < deadline) await delay(100);
  for (const record of left.filter(runs)) processes.signal(record.pid, 'SIGKILL');
  while (left.some(runs)) await delay(20);
}

/**
 * Creates a temporary folder for the data of one run of a tool. First removes those of runs that were killed and could not remove
 * theirs, and kills the processes that still use them: without its servers, an app drains until its time limit ends.
 * @param tool the first part of the folder's name, such as `orders-compare`; the pid of this process follows
 */
export async function makeRunFolder(
  tool: string,
  parent = tmpdir(),
  processes: ProcessTable = machineProcesses,
): Promise<string> {
  for (const name of await readdir(parent)) {
    const pid = new RegExp(`^${tool}-(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || processes.identityOf(Number(pid)) !== undefined) continue;
    const folder = join(parent, name);
    for (const left of new ProcessRecords(folder, processes).running()) processes.signal(left.pid, 'SIGKILL');
    await removeRunFolder(folder);
  }
  return mkdtemp(join(parent, `${tool}-${process.pid}-`));
}

/** Removes a folder with retries: a server that was just killed may still write to it. */
export async function removeRunFolder(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
