import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PidLock } from '../machine/pid-lock.js';
import { machineProcesses } from '../machine/process-table.js';
import { StackError } from '../stack-error.js';
import { endLeftovers } from './leftovers.js';
import { ProcessRecords } from './process-records.js';

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
