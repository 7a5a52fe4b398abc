import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgeLock } from '../../dev/machine/pid-lock.js';
import { machineProcesses } from '../../dev/machine/process-table.js';

const PREFIX = 'orders-compose-';

/**
 * The temporary folder of a run: the engine's data, sockets and log, and the build contexts of the images.
 * It isn't in the project, whose checks would read it, and has a short path: the path of a socket is limited to 107 characters.
 */
export class RunDirectory {
  private constructor(readonly path: string) {}

  /** Creates a new folder that names this process as its owner. */
  static async create(): Promise<RunDirectory> {
    const directory = new RunDirectory(await realpath(await mkdtemp(join(tmpdir(), PREFIX))));
    const owner = { pid: process.pid, identity: machineProcesses.identityOf(process.pid) };
    await writeFile(directory.file('owner.json'), JSON.stringify(owner));
    return directory;
  }

  /** Returns the folders of killed runs, whose engines may still run. */
  static async abandoned(): Promise<RunDirectory[]> {
    const temporary = await realpath(tmpdir());
    return readdirSync(temporary)
      .filter((entry) => entry.startsWith(PREFIX))
      .map((entry) => new RunDirectory(join(temporary, entry)))
      .filter((directory) => directory.isAbandoned);
  }

  file(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** A folder without an owner file belongs to a run that is just starting. */
  private get isAbandoned(): boolean {
    const owner = this.file('owner.json');
    return existsSync(owner) && judgeLock(readFileSync(owner, 'utf8'), machineProcesses) === 'stale';
  }
}
