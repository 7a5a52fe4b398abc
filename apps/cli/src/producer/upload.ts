import { type Stats, openAsBlob } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { types } from 'node:util';
import { usageError, CliError } from '../cli-error.js';
import { Readable } from 'node:stream';
import { FormDataEncoder } from 'form-data-encoder';

/** A file to upload. */
export interface OrderFile {
  readonly path: string;
  /** The name in the upload and in the rejects: the base name, unique in one upload. */
  readonly name: string;
  readonly mediaType: 'application/json' | 'application/zip';
}

const MEDIA_TYPES: Readonly<Record<string, OrderFile['mediaType']>> = {
  '.json': 'application/json',
  '.zip': 'application/zip',
};

/**
 * Resolves the paths of the command line to files: single files in the given order, and the `*.json` files of a folder, sorted by name.
 * It skips subfolders and symbolic links, which may point anywhere.
 * @param paths relative to the working directory, or absolute
 * @throws CliError with exit code 2: `no-such-file`, `not-readable`, `not-orders`, `no-files`, `zip-not-alone`, `same-name`
 */
export async function orderFiles(paths: readonly string[], workingDirectory: string): Promise<OrderFile[]> {
  const files = (await Promise.all(paths.map(async (path) => filesAt(resolve(workingDirectory, path), path)))).flat();
  if (files.length > 1 && files.some(({ mediaType }) => mediaType === 'application/zip'))
    throw usageError(
      'zip-not-alone',
      'A .zip file must be imported alone.',
      'Import each .zip file with its own command, and the other files with another one.',
    );
  requireDifferentNames(files);
  return files;
}

async function filesAt(path: string, given: string): Promise<OrderFile[]> {
  const stats = await statsOf(path, given);
  if (stats.isDirectory()) return filesIn(path, given);
  const mediaType = MEDIA_TYPES[extname(path)];
  if (mediaType !== undefined && stats.isFile()) return [{ path, name: basename(path), mediaType }];
  throw usageError('not-orders', `${given} is not a .json file, a .zip file or a folder.`, 'Pass one of these.');
}

async function filesIn(folder: string, given: string): Promise<OrderFile[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.json')).map(({ name }) => name);
  if (names.length === 0)
    throw usageError(
      'no-files',
      `The folder ${given} contains no .json file.`,
      'Subfolders and symbolic links are skipped.',
    );
  return names
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) => ({ path: join(folder, name), name, mediaType: 'application/json' }));
}

async function statsOf(path: string, given: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    const code = types.isNativeError(error) && 'code' in error ? String(error.code) : 'unknown';
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw usageError(
        'no-such-file',
        `${given} does not exist.`,
        `Relative paths start in the folder of the command.`,
      );
    throw usageError('not-readable', `${given} can't be read (${code}).`, 'Check its permissions.');
  }
}

function requireDifferentNames(files: readonly OrderFile[]): void {
  const paths = new Map<string, string>();
  for (const { name, path } of files) {
    const other = paths.get(name);
    if (other !== undefined)
      throw usageError(
        'same-name',
        `${other} and ${path} have the same name.`,
        'Rejected rows are listed by file name: import the files separately, or rename one.',
      );
    paths.set(name, path);
  }
}

/** A multipart/form-data body that is read from disk while it is sent. */
interface Upload {
  /** Content-Type with the boundary, and Content-Length. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
  /** Returns the body from its beginning, at each call. */
  readonly body: () => Readable;
}

/**
 * Creates one body with a part named `file` per file. It needs constant memory: the blob of a file is only a reference until it is read.
 *
 * It uses form-data-encoder, because `fetch` with a FormData keeps all sent data until the end (1.1 GiB for a file of 1 GiB). If a file
 * changes before it is sent, the body fails with a CliError `file-changed`, instead of sending mixed contents.
 */
export async function uploadOf(files: readonly OrderFile[]): Promise<Upload> {
  const form = new FormData();
  for (const { path, name, mediaType } of files) form.append('file', await openAsBlob(path, { type: mediaType }), name);
  const encoder = new FormDataEncoder(form);
  return {
    headers: { ...encoder.headers },
    bytes: Number(encoder.contentLength),
    body: () => Readable.from(partsOf(encoder)),
  };
}

async function* partsOf(encoder: FormDataEncoder): AsyncGenerator<Uint8Array> {
  try {
    yield* encoder;
  } catch (error) {
    throw new CliError(
      'file-changed',
      'A file was changed or deleted during the upload.',
      'Import again when no program writes to the file.',
      { cause: error },
    );
  }
}
