import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from './backup-error.js';
import { MANIFEST_FILE } from './manifest.js';

/** Marks a folder whose backup has not ended, with the name of the subfolder that it writes. */
export const INCOMPLETE_FILE = 'incomplete.json';
const FOLDER = 0o700;
const FULL_DISK = new Set<unknown>(['ENOSPC', 'EDQUOT']);

/** The folder of one backup. It has a manifest only when every file is complete and durable. */
export class BackupFolder {
  private constructor(
    private readonly directory: string,
    private readonly database: string,
  ) {}

  /**
   * Creates the folder, or takes over that of a backup that did not end, whose files it removes.
   * @throws BackupError `folder-not-empty`, `disk-full`
   */
  static async claim(directory: string, database: string): Promise<BackupFolder> {
    return withFullDisk(directory, async () => {
      await mkdir(directory, { recursive: true, mode: FOLDER });
      const names = await readdir(directory);
      const isLeft = names.includes(INCOMPLETE_FILE) && !names.includes(MANIFEST_FILE);
      if (names.length > 0 && !isLeft)
        throw new BackupError(
          'folder-not-empty',
          `Folder ${directory} is not empty (${names.slice(0, 3).join(', ')}): a backup needs a new or an empty one.`,
        );
      const folder = new BackupFolder(directory, database);
      if (isLeft) await new BackupFolder(directory, (await databaseLeftIn(directory)) ?? database).discard();
      await writeFile(join(directory, INCOMPLETE_FILE), `${JSON.stringify({ database })}\n`, {
        flag: 'wx',
        mode: 0o600,
      });
      await mkdir(folder.path, { recursive: true, mode: FOLDER });
      return folder;
    });
  }

  /** The folder of the database's files. */
  get path(): string {
    return join(this.directory, this.database);
  }

  /** Makes all files durable, and writes the manifest. */
  async complete(manifest: string): Promise<void> {
    await syncFolder(this.path);
    const unfinished = join(this.directory, `${MANIFEST_FILE}.unfinished`);
    const file = await open(unfinished, 'w', 0o600);
    try {
      await file.writeFile(manifest);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, join(this.directory, MANIFEST_FILE));
    await syncFolder(this.directory);
    await rm(join(this.directory, INCOMPLETE_FILE), { force: true });
  }

  /** Removes the files of a backup that failed. */
  async discard(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    await rm(join(this.directory, `${MANIFEST_FILE}.unfinished`), { force: true });
    await rm(join(this.directory, INCOMPLETE_FILE), { force: true });
  }
}

/** @returns the database whose backup did not end; `undefined` if the disk was too full even for its name */
async function databaseLeftIn(directory: string): Promise<string | undefined> {
  const text = await readFile(join(directory, INCOMPLETE_FILE), 'utf8');
  return text.trim() === '' ? undefined : (JSON.parse(text) as { database: string }).database;
}

/** Runs work that writes to a folder. @throws BackupError `disk-full` if its disk is full, or the error of the work */
export async function withFullDisk<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || !FULL_DISK.has(error.code)) throw error;
    throw new BackupError(
      'disk-full',
      `The disk of ${directory} is full, and no backup was made: free some space, or choose another disk, and run the command again.`,
      { cause: error },
    );
  }
}

/** Makes the names of the files in a folder durable. */
async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
