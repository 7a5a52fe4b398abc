import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { createGunzip, gunzip, gzip } from 'node:zlib';
import { BSON, type CollectionInfo, type Db, type Document } from 'mongodb';
import { splitDocuments } from '#orders/archive/archive-file.js';
import { AdminError } from '../environment.js';
import { MANIFEST_FILE, type FileFacts } from './manifest.js';

/** Marks a folder whose backup has not ended, with the subfolder and the process that writes it. */
const INCOMPLETE_FILE = 'incomplete.json';
const FOLDER = 0o700;
/** gzip's fastest level: the backup shares the machine with the services. */
const LEVEL = 1;
/** Bytes of the documents that are read at once, unless a single one is larger. */
const GROUP_BYTES = 2 * 2 ** 20;
const FULL_DISK = new Set<unknown>(['ENOSPC', 'EDQUOT']);

/** The folder of one backup. It has a manifest only when every file is complete and durable. */
export class BackupFolder {
  private constructor(
    private readonly directory: string,
    private readonly database: string,
  ) {}

  /**
   * Creates the folder, or takes over that of a backup that did not end, whose files it removes. It does not notice a backup that another
   * machine still writes to a shared disk.
   * @throws AdminError `folder-not-empty`, `backup-runs` if a process of this machine still writes it, `disk-full`
   */
  static async claim(directory: string, database: string): Promise<BackupFolder> {
    return withFullDisk(directory, async () => {
      await mkdir(directory, { recursive: true, mode: FOLDER });
      const names = await readdir(directory);
      const isLeft = names.includes(INCOMPLETE_FILE) && !names.includes(MANIFEST_FILE);
      if (names.length > 0 && !isLeft)
        throw new AdminError(
          'folder-not-empty',
          `Folder ${directory} is not empty (${names.slice(0, 3).join(', ')}): a backup needs a new or an empty one.`,
        );
      const folder = new BackupFolder(directory, database);
      if (isLeft) await BackupFolder.takeOver(directory, database);
      const writer: Writer = { database, host: hostname(), pid: process.pid };
      await writeFile(join(directory, INCOMPLETE_FILE), `${JSON.stringify(writer)}\n`, { flag: 'wx', mode: 0o600 });
      await mkdir(folder.path, { recursive: true, mode: FOLDER });
      return folder;
    });
  }

  private static async takeOver(directory: string, database: string): Promise<void> {
    // It is empty if the disk was too full even for this line.
    const text = (await readFile(join(directory, INCOMPLETE_FILE), 'utf8')).trim();
    const writer = text === '' ? undefined : (JSON.parse(text) as Writer);
    if (writer !== undefined && stillRuns(writer))
      throw new AdminError(
        'backup-runs',
        `Process ${writer.pid} still writes a backup to ${directory}: wait for it, or choose another folder.`,
      );
    await new BackupFolder(directory, writer?.database ?? database).discard();
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

/** What writes the files of a backup. */
interface Writer {
  /** Its subfolder. */
  readonly database: string;
  readonly host: string;
  readonly pid: number;
}

function stillRuns({ host, pid }: Writer): boolean {
  // In a container, a new process often has the number of the killed one.
  if (host !== hostname() || pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // A process of another user can't be signalled, but it runs.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Runs work that writes to a folder. @throws AdminError `disk-full` if its disk is full, or the error of the work */
export async function withFullDisk<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || !FULL_DISK.has(error.code)) throw error;
    throw new AdminError(
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

/** A file of a backup, which is written from its begin to its end. */
export class DumpFile {
  private readonly hash = createHash('sha256');
  private bytes = 0;

  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
    private readonly isCompressed: boolean,
  ) {}

  /** Creates a file and writes it by `work`. @returns what the manifest says about it, once it is durable */
  static async write(path: string, isCompressed: boolean, work: (file: DumpFile) => Promise<void>): Promise<FileFacts> {
    const file = new DumpFile(path, await open(path, 'wx', 0o600), isCompressed);
    try {
      await work(file);
      return await file.finish();
    } finally {
      await file.handle.close();
    }
  }

  /** Appends bytes. Compressed, each call is a member of its own: gzip's format (RFC 1952) allows several. */
  async append(bytes: Buffer): Promise<void> {
    const stored = this.isCompressed ? await promisify(gzip)(bytes, { level: LEVEL }) : bytes;
    this.hash.update(stored);
    this.bytes += stored.length;
    for (let at = 0; at < stored.length;) at += (await this.handle.write(stored, at)).bytesWritten;
  }

  private async finish(): Promise<FileFacts> {
    // Of no documents: an empty file is no gzip.
    if (this.bytes === 0) await this.append(Buffer.alloc(0));
    await this.handle.sync();
    return { file: basename(this.path), bytes: this.bytes, sha256: this.hash.digest('hex') };
  }
}

/** Yields the raw documents of a `.bson` or `.bson.gz` file in groups. @throws AdminError `altered-file` if the file ends within a document */
export async function* readDump(path: string): AsyncGenerator<readonly Buffer[]> {
  const file = createReadStream(path, { highWaterMark: 2 ** 20 });
  const stream = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  let rest: Buffer = Buffer.alloc(0);
  let group: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const split = splitDocuments(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), () => broken(path));
    rest = split.rest;
    for (const document of split.documents) {
      group.push(document);
      bytes += document.length;
      if (bytes < GROUP_BYTES) continue;
      yield group;
      group = [];
      bytes = 0;
    }
  }
  if (rest.length > 0) throw broken(path);
  if (group.length > 0) yield group;
}

function broken(path: string): AdminError {
  return new AdminError('altered-file', `${path} does not consist of whole BSON documents. Copy it again.`);
}

/** Returns the options and indexes of a collection, as `mongodump` writes them beside its documents: canonical Extended JSON. */
export async function renderMetadata(db: Db, { name, options = {}, info }: CollectionInfo): Promise<string> {
  const indexes = await db.collection(name).listIndexes().toArray();
  const uuid = info?.uuid?.toString('hex');
  const metadata = { options, indexes, ...(uuid !== undefined && { uuid }), collectionName: name, type: 'collection' };
  return BSON.EJSON.stringify(metadata, { relaxed: false });
}

/** Reads the options and indexes of a collection from a file of this program or of `mongodump`. */
export async function readMetadata(
  path: string,
): Promise<{ readonly options: Document; readonly indexes: readonly Document[] }> {
  const bytes = await readFile(path);
  const text = path.endsWith('.gz') ? await promisify(gunzip)(bytes) : bytes;
  return BSON.EJSON.parse(text.toString(), { relaxed: true }) as Awaited<ReturnType<typeof readMetadata>>;
}
