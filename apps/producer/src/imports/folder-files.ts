import { constants, type Dirent } from 'node:fs';
import { access, open, readdir, realpath } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { HttpStatus } from '@nestjs/common';
import { invalidRequest, Problem } from '#service/http/problem.js';
import type { FileReason } from '#orders/imports/import-manifest.js';
import { checkedName, NOT_A_JSON_FILE, type IncomingFile } from './incoming-file.js';

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
