import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { orderFiles } from './order-files.js';

describe('the files to import', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-cli-'));
    await mkdir(join(folder, 'chunks', 'below'), { recursive: true });
    await mkdir(join(folder, 'other', 'empty'), { recursive: true });
    const files = ['chunks/b.json', 'chunks/a.json', 'chunks/notes.txt', 'chunks/below/c.json', 'other/a.json'];
    for (const name of [...files, 'all.zip', 'more.zip', 'x.json']) await writeFile(join(folder, name), '[]');
    await symlink(join(folder, 'x.json'), join(folder, 'chunks', 'link.json'));
  });

  afterAll(async () => rm(folder, { recursive: true, force: true }));

  async function names(...paths: string[]): Promise<string[]> {
    return (await orderFiles(paths, folder)).map(({ name }) => name);
  }

  it('are the *.json files of a folder, sorted by name, without subfolders and symbolic links', async () => {
    expect(await names('chunks')).toEqual(['a.json', 'b.json']);
  });

  it('are single files in the given order, relative to the working directory', async () => {
    expect(await names('x.json', 'chunks/b.json')).toEqual(['x.json', 'b.json']);
    expect(await orderFiles(['all.zip'], folder)).toEqual([
      { path: join(folder, 'all.zip'), name: 'all.zip', mediaType: 'application/zip' },
    ]);
    expect(await names('chunks', 'x.json')).toEqual(['a.json', 'b.json', 'x.json']);
  });

  it.each([
    ['no-such-file', ['nowhere.json']],
    ['no-such-file', ['x.json/y.json']],
    ['not-orders', ['chunks/notes.txt']],
    ['no-files', ['other/empty']],
    ['zip-not-alone', ['all.zip', 'x.json']],
    ['zip-not-alone', ['all.zip', 'more.zip']],
    ['same-name', ['chunks', 'other/a.json']],
  ])('are rejected with %s', async (code, paths) => {
    await expect(names(...paths)).rejects.toMatchObject({ code, exitCode: 2 });
  });
});
