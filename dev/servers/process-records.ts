import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno, type ProcessTable } from '../machine/process-table.js';

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
