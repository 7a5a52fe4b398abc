import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { folderFiles } from './folder-files.js';
import { isRefused } from './incoming-file.js';

describe('a folder to import from', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'orders-folder-'));
    await mkdir(join(root, 'allowed/2026/02'), { recursive: true });
    await writeFile(join(root, 'allowed/2026/b.json'), '[2]');
    await writeFile(join(root, 'allowed/2026/a.json'), '[1]');
    await writeFile(join(root, 'allowed/2026/02/c.json'), '[3]');
    await writeFile(join(root, 'secret.json'), '[0]');
  });

  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  async function readFiles(folder: string): Promise<[string, string][]> {
    const files: [string, string][] = [];
    for await (const { name, content } of folderFiles(join(root, 'allowed'), folder))
      files.push([name, isRefused(content) ? content.code : (await Readable.from(content).toArray()).join('')]);
    return files;
  }

  it('returns its files and those of its subfolders, ordered by name', async () => {
    const expected = [
      ['02/c.json', '[3]'],
      ['a.json', '[1]'],
      ['b.json', '[2]'],
    ];
    expect(await readFiles('2026')).toEqual(expected);
    expect(await readFiles('.')).toEqual(expected.map(([name, text]) => [`2026/${name}`, text]));
  });

  it('reports links and other files as not read', async () => {
    await symlink(join(root, 'secret.json'), join(root, 'allowed/2026/link.json'));
    await symlink(root, join(root, 'allowed/2026/up'));
    await writeFile(join(root, 'allowed/2026/notes.txt'), 'x');
    expect((await readFiles('2026')).slice(3)).toEqual([
      ['link.json', 'symlink'],
      ['notes.txt', 'not-json-file'],
      ['up', 'symlink'],
    ]);
  });

  it.each(['..', '../', '2026/../..', '2026\\..\\..', 'nowhere', '/etc', 'a\0b', '2026/a.json/..'])(
    'is rejected for the path %j',
    async (folder) => {
      await expect(readFiles(folder)).rejects.toMatchObject({ extensions: { errors: [{ field: 'folder' }] } });
    },
  );

  it('is rejected when it is a link or its path contains one', async () => {
    await symlink(root, join(root, 'allowed/out'));
    for (const folder of ['out', 'out/allowed'])
      await expect(readFiles(folder)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('is rejected when it is a file', async () => {
    await expect(readFiles('2026/a.json')).rejects.toMatchObject({
      code: 'folder-unreadable',
      detail: 'Cannot read "" (ENOTDIR). Nothing was imported.',
    });
  });

  it('does not reveal where it is', async () => {
    const gone = join(root, 'gone');
    await expect(folderFiles(gone, '.').next()).rejects.toMatchObject({
      detail: 'Cannot read the folder of the setting IMPORT_DIR (ENOENT). Nothing was imported.',
    });
  });

  it('is rejected when no folder is configured', async () => {
    await expect(folderFiles(undefined, '2026').next()).rejects.toMatchObject({ code: 'imports-from-folders-are-off' });
  });
});
