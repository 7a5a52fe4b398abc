import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { ArchiveError, parseManifest, WHAT_TO_DO, type ArchiveManifest } from './archive-manifest.js';
import { readDocuments, writeDocuments, type FileDigest } from './archive-file.js';
import type { ArchivedRange } from './archived-ranges.js';

/** Where archives are. `DiskFolder` is the real one. */
export interface ArchiveFolder {
  /** Where it is, for messages. */
  readonly path: string;
  /** Returns the names of all archives that have a manifest, sorted. */
  names(): Promise<string[]>;
  /** Returns the manifest of an archive; `undefined` if there is none. @throws ArchiveError `archive-newer`, `archive-damaged` */
  manifest(name: string): Promise<ArchiveManifest | undefined>;
  /** Writes the file of an archive durably. It is no archive before its manifest is stored. @throws ArchiveError `archive-disk` */
  write(name: string, batches: AsyncIterable<readonly Buffer[]>): Promise<FileDigest>;
  /** Stores the manifest durably, as a whole or not at all. @throws ArchiveError `archive-disk` */
  complete(manifest: ArchiveManifest): Promise<void>;
  /** Reads the file of an archive. @throws ArchiveError `archive-missing`, `archive-damaged` */
  read(name: string, onEnd?: (digest: FileDigest) => void): AsyncIterable<readonly Buffer[]>;
}

const MANIFEST = '.manifest.json';
const FILE = '.bson.gz';
/** A file that is being written. */
const PART = '.part';

/** Archives have everything that MongoDB protects: only the user who writes them may read them. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** A folder on a disk, for one user. Files are written under another name, and renamed when they are complete and durable. */
export class DiskFolder implements ArchiveFolder {
  /** @param createSink opens a file to write; it makes it durable before it closes */
  constructor(
    readonly path: string,
    private readonly createSink: (path: string) => Writable = (file) =>
      createWriteStream(file, { flush: true, mode: FILE_MODE }),
  ) {}

  async names(): Promise<string[]> {
    const files = await readdir(this.path).catch((error: unknown) => {
      if (isAbsent(error)) return [];
      throw error;
    });
    return files.flatMap((file) => (file.endsWith(MANIFEST) ? file.slice(0, -MANIFEST.length) : [])).toSorted();
  }

  async manifest(name: string): Promise<ArchiveManifest | undefined> {
    try {
      return parseManifest(name, await readFile(this.fileOf(name, MANIFEST), 'utf8'));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async write(name: string, batches: AsyncIterable<readonly Buffer[]>): Promise<FileDigest> {
    const part = this.fileOf(name, FILE + PART);
    try {
      await mkdir(this.path, { recursive: true, mode: FOLDER_MODE });
      // A file that is left from a crash would keep its mode.
      await rm(part, { force: true });
      const digest = await writeDocuments(batches, this.createSink(part));
      await this.rename(part, this.fileOf(name, FILE));
      return digest;
    } catch (error) {
      await rm(part, { force: true });
      throw this.explained(error);
    }
  }

  async complete(manifest: ArchiveManifest): Promise<void> {
    const part = this.fileOf(manifest.name, MANIFEST + PART);
    try {
      await rm(part, { force: true });
      const sink = await open(part, 'wx', FILE_MODE);
      try {
        await sink.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
        await sink.sync();
      } finally {
        await sink.close();
      }
      await this.rename(part, this.fileOf(manifest.name, MANIFEST));
    } catch (error) {
      await rm(part, { force: true });
      throw this.explained(error);
    }
  }

  async *read(
    name: string,
    onEnd: (digest: FileDigest) => void = () => undefined,
  ): AsyncGenerator<readonly Buffer[], void, undefined> {
    const file = this.fileOf(name, FILE);
    try {
      yield* readDocuments(name, createReadStream(file), onEnd);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      throw new ArchiveError('archive-missing', `The file ${file} does not exist. ${WHAT_TO_DO}`, { cause: error });
    }
  }

  private fileOf(name: string, ending: string): string {
    return join(this.path, name + ending);
  }

  /** Also makes the new name durable, which needs the folder to be synchronized. */
  private async rename(from: string, to: string): Promise<void> {
    await rename(from, to);
    const folder = await open(this.path);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  /** Explains an error of the disk; others come from the batches, and stay as they are. */
  private explained(error: unknown): unknown {
    const code = codeOf(error);
    if (code === undefined || !DISK_ERRORS.has(code)) return error;
    const reason = code === 'ENOSPC' ? 'its disk is full' : String(error);
    return new ArchiveError(
      'archive-disk',
      `${this.path} can't be written: ${reason}. Nothing of this archive was removed from MongoDB. Free space or give another folder, and run the command again.`,
      { cause: error },
    );
  }
}

const DISK_ERRORS = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EFBIG']);

function isAbsent(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** Returns the code of an error of Node.js, which is of another realm's `Error` under Jest. */
function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined;
}

/** Returns the manifest of an archive. @throws ArchiveError `archive-missing`, `archive-newer`, `archive-damaged` */
export async function requireManifest(folder: ArchiveFolder, name: string): Promise<ArchiveManifest> {
  const manifest = await folder.manifest(name);
  if (manifest !== undefined) return manifest;
  throw new ArchiveError('archive-missing', `${folder.path} has no manifest of ${name}. ${WHAT_TO_DO}`);
}

/**
 * Reads an archive and compares its bytes with its manifest.
 * @param onDocuments receives all documents, before the comparison
 * @throws ArchiveError `archive-missing`, `archive-newer`, `archive-damaged`
 */
export async function verifyArchive(
  folder: ArchiveFolder,
  name: string,
  onDocuments: (documents: readonly Buffer[]) => Promise<void> | void = () => undefined,
): Promise<ArchiveManifest> {
  const manifest = await requireManifest(folder, name);
  let digest: FileDigest | undefined;
  for await (const documents of folder.read(name, (found) => (digest = found))) await onDocuments(documents);
  const same =
    digest?.count === manifest.count &&
    digest.documents.sha256 === manifest.documents.sha256 &&
    digest.file.sha256 === manifest.file.sha256;
  if (same) return manifest;
  throw new ArchiveError(
    'archive-damaged',
    `The file of ${name} was altered: it has ${digest?.count ?? 0} orders and SHA-256 ${digest?.file.sha256}, its manifest says ${manifest.count} and ${manifest.file.sha256}. ${WHAT_TO_DO}`,
  );
}

/**
 * Verifies an archive, and that it is the one in the list of archived ranges.
 * @param onDocuments as that of `verifyArchive`
 * @throws ArchiveError as `verifyArchive`, or `archive-differs`
 */
export async function verifyArchiveOf(
  folder: ArchiveFolder,
  range: ArchivedRange,
  onDocuments?: (documents: readonly Buffer[]) => void,
): Promise<ArchiveManifest> {
  const manifest = await verifyArchive(folder, range.archive, onDocuments);
  if (manifest.documents.sha256 === range.sha256 && manifest.first === range._id) return manifest;
  throw new ArchiveError(
    'archive-differs',
    `The archive ${range.archive} in ${folder.path} has other orders than those that were archived: SHA-256 ${manifest.documents.sha256}, expected ${range.sha256}. ${WHAT_TO_DO}`,
  );
}
