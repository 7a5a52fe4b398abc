import { constants, type Dirent } from 'node:fs';
import { access, open, readdir, realpath } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { HttpStatus } from '@nestjs/common';
import { invalidRequest, Problem } from '#service/problem.js';
import type { FileReason } from '#orders/import-manifest.js';
import { checkedName, NOT_A_JSON_FILE, type IncomingFile } from './incoming-file.js';

const SYMLINK: FileReason = { code: 'symlink', detail: 'it is a symbolic link, which is not followed' };
const NOT_A_FILE: FileReason = { code: 'not-a-file', detail: 'it is neither a file nor a folder' };

/**
 * The files of a folder and those below, in the order of their names.
 * @param allowed the operator's setting; `undefined`: there is none
 * @param folder below it, as the caller says
 * @throws Problem 403 without the setting, 400 for a folder that isn't there or leads out
 */
export async function* folderFiles(allowed: string | undefined, folder: string): AsyncGenerator<IncomingFile> {
  if (allowed === undefined)
    throw new Problem(
      HttpStatus.FORBIDDEN,
      'imports-from-folders-are-off',
      'No folder may be imported from: the operator has to name one in the setting IMPORT_DIR.',
    );
  yield* walk(await folderBelow(allowed, folder));
}

async function folderBelow(allowed: string, folder: string): Promise<string> {
  if (folder.includes('\0') || folder.split(/[/\\]/).includes('..')) throw refused('must not lead upwards');
  const root = await realpath(allowed).catch((error: unknown) => {
    throw unreadable(`the folder of the setting IMPORT_DIR (${String(error)})`);
  });
  const wanted = resolve(root, `./${folder}`);
  const found = await realpath(wanted).catch(() => undefined);
  if (found === undefined) throw refused('is not there');
  // Through a symbolic link it would be elsewhere, perhaps outside.
  if (found !== wanted || !(found + sep).startsWith(root + sep)) throw refused('must not be a symbolic link');
  return found;
}

function unreadable(what: string): Problem {
  return new Problem(HttpStatus.BAD_REQUEST, 'folder-unreadable', `Can not read ${what}. Nothing was imported.`);
}

function refused(detail: string): Problem {
  return invalidRequest([{ field: 'folder', in: 'body', pointer: '/folder', detail }]);
}

async function* walk(root: string, folder = root): AsyncGenerator<IncomingFile> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(`${JSON.stringify(relative(root, folder))} (${String(error)})`);
  });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(root, path);
    else yield { name: checkedName(relative(root, path)), content: await contentOf(entry, path) };
  }
}

async function contentOf(entry: Dirent, path: string): Promise<IncomingFile['content']> {
  if (entry.isSymbolicLink()) return SYMLINK;
  if (!entry.isFile()) return NOT_A_FILE;
  if (!/\.json$/i.test(entry.name)) return NOT_A_JSON_FILE;
  return access(path, constants.R_OK).then(
    () => bytesOf(path),
    (error: unknown) => ({ code: 'unreadable', detail: String(error) }),
  );
}

/** Not through a symbolic link that has come into its place since it was looked at. */
async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  yield* file.createReadStream() as AsyncIterable<Buffer>;
}
