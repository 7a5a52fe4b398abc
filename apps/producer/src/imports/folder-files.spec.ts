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

  async function filesOf(folder: string): Promise<[string, string][]> {
    const files: [string, string][] = [];
    for await (const { name, content } of folderFiles(join(root, 'allowed'), folder))
      files.push([name, isRefused(content) ? content.code : (await Readable.from(content).toArray()).join('')]);
    return files;
  }

  it('gives its files and those below, by name', async () => {
    const expected = [
      ['02/c.json', '[3]'],
      ['a.json', '[1]'],
      ['b.json', '[2]'],
    ];
    expect(await filesOf('2026')).toEqual(expected);
    expect(await filesOf('.')).toEqual(expected.map(([name, text]) => [`2026/${name}`, text]));
  });

  it('says of links and other files that they are not read', async () => {
    await symlink(join(root, 'secret.json'), join(root, 'allowed/2026/link.json'));
    await symlink(root, join(root, 'allowed/2026/up'));
    await writeFile(join(root, 'allowed/2026/notes.txt'), 'x');
    expect((await filesOf('2026')).slice(3)).toEqual([
      ['link.json', 'symlink'],
      ['notes.txt', 'not-json-file'],
      ['up', 'symlink'],
    ]);
  });

  it.each(['..', '../', '2026/../..', '2026\\..\\..', 'nowhere', '/etc', 'a\0b', '2026/a.json/..'])(
    'is refused as %j',
    async (folder) => {
      await expect(filesOf(folder)).rejects.toMatchObject({ extensions: { errors: [{ field: 'folder' }] } });
    },
  );

  it('is refused when it is a link, or behind one', async () => {
    await symlink(root, join(root, 'allowed/out'));
    for (const folder of ['out', 'out/allowed'])
      await expect(filesOf(folder)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('is refused when it is a file', async () => {
    await expect(filesOf('2026/a.json')).rejects.toMatchObject({ code: 'folder-unreadable' });
  });

  it('is refused when the operator has allowed none', async () => {
    await expect(folderFiles(undefined, '2026').next()).rejects.toMatchObject({ code: 'imports-from-folders-are-off' });
  });
});
