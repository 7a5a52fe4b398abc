import { randomUUID } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { access, type FileHandle, open, readdir, realpath, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import multipart from '@fastify/multipart';
import { HttpStatus } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Entry, fromFdPromise, validateFileName, type ZipFile } from 'yauzl';
import type { FileReason } from '#orders/imports/import-manifest.js';
import { invalidRequest, Problem } from '#service/http/problem.js';
import { ValidationPipe } from '#service/http/request-input.js';
import type { ProducerSettings } from '../settings-schema.js';
import { FolderRequestSchema } from './import-api.js';

/** Maximum number of files of one import. Ten million orders in chunks of 1,000 are 10,000 files. */
export const MAX_FILES = 50_000;

export function tooManyFiles(): Problem {
  const detail = `An import must have at most ${MAX_FILES} files. Nothing was imported: send the files in several imports.`;
  return new Problem(HttpStatus.PAYLOAD_TOO_LARGE, 'too-many-files', detail);
}

/** Limits the total uncompressed size of an import's files, in bytes. */
export class ByteBudget {
  private left: number;

  constructor(private readonly maxBytes: number) {
    this.left = maxBytes;
  }

  /** @throws Problem 413 once the budget is exceeded */
  spend(bytes: number): void {
    this.left -= bytes;
    if (this.left >= 0) return;
    throw new Problem(
      HttpStatus.PAYLOAD_TOO_LARGE,
      'import-too-large',
      `The files must have at most ${this.maxBytes} bytes in total (setting IMPORT_MAX_BYTES). Nothing was imported: send them in several imports.`,
    );
  }
}

/** A received file of an import. Read its content to the end before requesting the next file. */
export interface IncomingFile {
  /** The client's name for the file, including folders. It is only a label, never used as a local path. */
  readonly name: string;
  /** The bytes of the file, or the reason why it is not read. */
  readonly content: AsyncIterable<Buffer> | FileReason;
}

const MAX_NAME_LENGTH = 512;

export function isRefused(content: IncomingFile['content']): content is FileReason {
  return 'code' in content;
}

/** The reason for rejecting a file without the extension .json. */
const NOT_A_JSON_FILE: FileReason = {
  code: 'not-json-file',
  detail: 'its name does not end in .json, so it was not read',
};

/** Returns the name if it is safe. @throws Problem 422 for a name that is too long or leads out of its folder */
function checkedName(name: string): string {
  const fault = name.length > MAX_NAME_LENGTH ? `it is longer than ${MAX_NAME_LENGTH} characters` : findFault(name);
  if (fault === undefined) return name;
  throw new Problem(
    HttpStatus.UNPROCESSABLE_ENTITY,
    'unsafe-path',
    `The file name ${JSON.stringify(name.slice(0, MAX_NAME_LENGTH))} is not allowed: ${fault}. Nothing was imported.`,
  );
}

function findFault(name: string): string | undefined {
  if (/\p{Cc}/u.test(name)) return 'it contains control characters';
  return validateFileName(name.replaceAll('\\', '/'))?.split(':')[0];
}

/** What an import may read: `IMPORT_MAX_BYTES` limits the uncompressed size of all files, and the size of an archive. */
type ImportSettings = Pick<ProducerSettings, 'IMPORT_MAX_BYTES' | 'IMPORT_DIR'>;

/**
 * Yields the files of an import: those of an upload of several files, of a zip archive, or of an allowed folder; none if the request has no
 * body.
 * @throws Problem 4xx for an invalid request
 */
export async function* filesIn(
  request: FastifyRequest,
  { IMPORT_MAX_BYTES, IMPORT_DIR }: ImportSettings,
): AsyncGenerator<IncomingFile> {
  if (request.isMultipart()) yield* multipartFiles(request, IMPORT_MAX_BYTES);
  else if (isZip(request)) yield* filesOfArchive(request.raw, IMPORT_MAX_BYTES);
  else if (request.body !== undefined) {
    const body = { type: 'body', schema: FolderRequestSchema } as const;
    const { folder } = await new ValidationPipe().transform(request.body as { folder: string }, body);
    yield* folderFiles(IMPORT_DIR, folder);
  }
}

const SYMLINK: FileReason = { code: 'symlink', detail: 'it is a symbolic link, which is not followed' };
const NOT_A_FILE: FileReason = { code: 'not-a-file', detail: 'it is neither a file nor a folder' };

/**
 * Yields the files of a folder and its subfolders, ordered by name.
 * @param allowed the setting IMPORT_DIR; `undefined` if it is not set
 * @param folder a path relative to `allowed`, from the request
 * @throws Problem 403 without the setting, 400 for a folder that does not exist or is outside `allowed`
 */
export async function* folderFiles(allowed: string | undefined, folder: string): AsyncGenerator<IncomingFile> {
  if (allowed === undefined)
    throw new Problem(
      HttpStatus.FORBIDDEN,
      'imports-from-folders-are-off',
      'Imports from folders are disabled. To enable them, set IMPORT_DIR.',
    );
  yield* walk(await resolveFolder(allowed, folder));
}

async function resolveFolder(allowed: string, folder: string): Promise<string> {
  if (folder.includes('\0') || folder.split(/[/\\]/).includes('..')) throw invalidFolder('must not contain ".."');
  const root = await realpath(allowed).catch((error: unknown) => {
    throw unreadable(`the folder of the setting IMPORT_DIR (${reasonOf(error)})`);
  });
  const wanted = resolve(root, `./${folder}`);
  const found = await realpath(wanted).catch(() => undefined);
  if (found === undefined) throw invalidFolder('does not exist');
  // A symbolic link could lead outside of the allowed folder.
  if (found !== wanted || !(found + sep).startsWith(root + sep)) throw invalidFolder('must not be a symbolic link');
  return found;
}

function unreadable(what: string): Problem {
  return new Problem(HttpStatus.BAD_REQUEST, 'folder-unreadable', `Cannot read ${what}. Nothing was imported.`);
}

/** Returns the code of a file system error, such as EACCES. Its message would reveal the path on this machine. */
function reasonOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown error';
}

function invalidFolder(detail: string): Problem {
  return invalidRequest([{ field: 'folder', in: 'body', pointer: '/folder', detail }]);
}

async function* walk(root: string, folder = root): AsyncGenerator<IncomingFile> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(`${JSON.stringify(relative(root, folder))} (${reasonOf(error)})`);
  });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(root, path);
    else yield { name: checkedName(relative(root, path)), content: await readContent(entry, path) };
  }
}

async function readContent(entry: Dirent, path: string): Promise<IncomingFile['content']> {
  if (entry.isSymbolicLink()) return SYMLINK;
  if (!entry.isFile()) return NOT_A_FILE;
  if (!/\.json$/i.test(entry.name)) return NOT_A_JSON_FILE;
  return access(path, constants.R_OK).then(
    () => readBytes(path),
    (error: unknown) => ({ code: 'unreadable', detail: `it can not be read (${reasonOf(error)})` }),
  );
}

/** Reads a file. O_NOFOLLOW rejects a symbolic link that replaced the file after the check. */
async function* readBytes(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  yield* file.createReadStream() as AsyncIterable<Buffer>;
}

/** Registers body parsers: handlers read multipart bodies as streams, and read zip bodies from the raw request. */
export async function acceptUploads(fastify: FastifyInstance): Promise<void> {
  await fastify.register(multipart, {
    preservePath: true,
    throwFileSizeLimit: false,
    // One more than allowed, so that the import reports the limit instead of the parser.
    limits: {
      files: MAX_FILES + 1,
      parts: MAX_FILES + 2,
      fields: 1,
      fieldSize: 1_024,
      fileSize: Number.POSITIVE_INFINITY,
    },
  });
  fastify.addContentTypeParser(ZIP_TYPES, (_request, _payload, done) => done(null));
}

const ZIP_TYPES = ['application/zip', 'application/x-zip-compressed'];

function isZip(request: FastifyRequest): boolean {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  return type !== undefined && ZIP_TYPES.includes(type);
}

/**
 * Yields the files of a multipart request, including the files in .zip parts.
 * @throws Problem 400 for a part that is not a file, or for a truncated body
 */
async function* multipartFiles(request: FastifyRequest, maxBytes: number): AsyncGenerator<IncomingFile> {
  for await (const part of reportBrokenUpload(request.parts())) {
    // The library keeps every part and its stream until the request ends: 10,000 parts would need about 50 MiB.
    for (const name of Object.keys(part.fields)) delete part.fields[name];
    if (part.type !== 'file')
      throw invalidRequest([
        { field: part.fieldname, in: 'body', detail: 'must be a file: choose one; options go into the query' },
      ]);
    const name = checkedName(part.filename);
    const content = reportBrokenUpload<Buffer>(part.file);
    // A browser sends a part without a name when no file is selected.
    if (name === '') part.file.resume();
    else if (/\.zip$/i.test(name)) yield* filesOfArchive(content, maxBytes);
    else yield { name, content };
  }
}

/** Reports errors of the stream as client errors: the body has no boundary or is truncated. */
async function* reportBrokenUpload<T>(parts: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* parts;
  } catch (error) {
    // Errors of the parser's limits already have a status.
    if (error instanceof Error && 'statusCode' in error) throw error;
    const detail = `Cannot read the multipart body (${String(error)}). Nothing was imported.`;
    throw new Problem(HttpStatus.BAD_REQUEST, 'broken-upload', detail);
  }
}

/**
 * Yields the files of a streamed zip archive. The archive's directory is at its end, so the archive is first written to a temporary
 * file (TMPDIR). That file is unlinked before the first byte is written, so that not even a kill leaves it behind.
 * @param maxBytes maximum size of the archive itself
 * @throws Problem 413 or 422
 */
export async function* filesOfArchive(archive: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<IncomingFile> {
  const file = await openUnlinkedFile();
  try {
    await file.writeFile(limit(new ByteBudget(maxBytes), archive));
    yield* zipEntries(file.fd, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

async function openUnlinkedFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `orders-import-${randomUUID()}.zip`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

async function* limit(budget: ByteBudget, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    budget.spend(chunk.length);
    yield chunk;
  }
}

/** Maximum ratio of uncompressed to compressed size, per entry and in total; orders as JSON have about 5. */
const MAX_RATIO = 200;
/** Uncompressed size in bytes above which the ratio is checked. */
const RATIO_FROM_BYTES = 1024 * 1024;
const UNIX = 3;
const FILE_TYPE = 0o170000;
const SYMLINK_TYPE = 0o120000;

/**
 * Yields the files of a zip archive, unpacked while they are read. Declared sizes are checked before unpacking, and actual sizes
 * during it. Any unsafe entry causes the whole archive to be rejected.
 * @param fd file descriptor of the archive; not closed
 * @throws Problem 422 that names the entry
 */
async function* zipEntries(fd: number, archiveBytes: number): AsyncGenerator<IncomingFile> {
  let unpacked = 0;
  try {
    const archive = await fromFdPromise(fd, { lazyEntries: true, autoClose: false });
    for await (const entry of archive.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      unpacked += entry.uncompressedSize;
      refuseUnsafe(entry, unpacked, archiveBytes);
      const isJson = /\.json$/i.test(entry.fileName);
      yield { name: entry.fileName, content: isJson ? unpack(archive, entry) : NOT_A_JSON_FILE };
    }
  } catch (error) {
    throw toProblem(error);
  }
}

function refuseUnsafe(entry: Entry, unpacked: number, archiveBytes: number): void {
  const { fileName, uncompressedSize, compressedSize } = entry;
  checkedName(fileName);
  if (entry.versionMadeBy >> 8 === UNIX && ((entry.externalFileAttributes >>> 16) & FILE_TYPE) === SYMLINK_TYPE)
    throw refusal('unsafe-path', fileName, 'is a symbolic link');
  if (entry.isEncrypted()) throw refusal('encrypted-entry', fileName, 'is encrypted');
  if (!entry.canDecodeFileData())
    throw refusal('broken-zip', fileName, 'has an unsupported compression method: use deflate');
  // Entries can share the same compressed bytes, so the total is checked too.
  if (isBomb(uncompressedSize, compressedSize) || isBomb(unpacked, archiveBytes))
    throw refusal('zip-bomb', fileName, `is more than ${MAX_RATIO} times larger when unpacked`);
}

function isBomb(unpacked: number, packed: number): boolean {
  return unpacked > RATIO_FROM_BYTES && unpacked > MAX_RATIO * packed;
}

/** Unpacks an entry. `yauzl` checks the number of bytes; this function checks their CRC-32. */
async function* unpack(archive: ZipFile, entry: Entry): AsyncGenerator<Buffer> {
  let checksum = 0;
  try {
    const stream: Readable = await archive.openReadStreamPromise(entry);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
  } catch (error) {
    throw refusal('broken-zip', entry.fileName, `cannot be unpacked (${toMessage(error)})`);
  }
  if (checksum !== entry.crc32) throw refusal('broken-zip', entry.fileName, 'is damaged: its checksum differs');
}

function refusal(code: string, entry: string, detail: string): Problem {
  const message = `In the zip archive, ${JSON.stringify(entry.slice(0, 512))} ${detail}. Nothing was imported.`;
  return new Problem(HttpStatus.UNPROCESSABLE_ENTITY, code, message);
}

/** Converts an error of the whole archive to a problem. `yauzl` only has messages, which contain the entry's name. */
function toProblem(error: unknown): unknown {
  if (error instanceof Problem) return error;
  const message = toMessage(error).slice(0, 600);
  const code = /^(absolute path|invalid relative path|invalid characters)/.test(message)
    ? 'unsafe-path'
    : /encryption/.test(message)
      ? 'encrypted-entry'
      : 'broken-zip';
  return new Problem(
    HttpStatus.UNPROCESSABLE_ENTITY,
    code,
    `Cannot read the zip archive: ${message}. Nothing was imported.`,
  );
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
