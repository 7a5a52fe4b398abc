import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Options, ZipFile } from 'yazl';
import { filesOfArchive, folderFiles, type IncomingFile, isRefused } from './incoming-files.js';

/** Returns the name and the text of each file, or its rejection code. */
async function readFiles(incoming: AsyncIterable<IncomingFile>): Promise<[string, string][]> {
  const files: [string, string][] = [];
  for await (const { name, content } of incoming)
    files.push([name, isRefused(content) ? content.code : await text(Readable.from(content))]);
  return files;
}

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

  afterEach(async () => rm(root, { recursive: true }));

  async function readFolder(folder: string): Promise<[string, string][]> {
    return readFiles(folderFiles(join(root, 'allowed'), folder));
  }

  it('returns its files and those of its subfolders, ordered by name', async () => {
    const expected = [
      ['02/c.json', '[3]'],
      ['a.json', '[1]'],
      ['b.json', '[2]'],
    ];
    expect(await readFolder('2026')).toEqual(expected);
    expect(await readFolder('.')).toEqual(expected.map(([name, content]) => [`2026/${name}`, content]));
  });

  it('reports links and other files as not read', async () => {
    await symlink(join(root, 'secret.json'), join(root, 'allowed/2026/link.json'));
    await symlink(root, join(root, 'allowed/2026/up'));
    await writeFile(join(root, 'allowed/2026/notes.txt'), 'x');
    expect((await readFolder('2026')).slice(3)).toEqual([
      ['link.json', 'symlink'],
      ['notes.txt', 'not-json-file'],
      ['up', 'symlink'],
    ]);
  });

  it.each(['..', '../', '2026/../..', '2026\\..\\..', 'nowhere', '/etc', 'a\0b', '2026/a.json/..'])(
    'is rejected for the path %j',
    async (folder) => {
      await expect(readFolder(folder)).rejects.toMatchObject({ extensions: { errors: [{ field: 'folder' }] } });
    },
  );

  it.each(['out', 'out/allowed'])('is rejected as %s, which is a link or has one in its path', async (folder) => {
    await symlink(root, join(root, 'allowed/out'));
    await expect(readFolder(folder)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('is rejected when it is a file', async () => {
    const detail = 'Cannot read "" (ENOTDIR). Nothing was imported.';
    await expect(readFolder('2026/a.json')).rejects.toMatchObject({ code: 'folder-unreadable', detail });
  });

  it('does not reveal where it is', async () => {
    const detail = 'Cannot read the folder of the setting IMPORT_DIR (ENOENT). Nothing was imported.';
    await expect(folderFiles(join(root, 'gone'), '.').next()).rejects.toMatchObject({ detail });
  });

  it('is rejected when no folder is configured', async () => {
    await expect(folderFiles(undefined, '2026').next()).rejects.toMatchObject({ code: 'imports-from-folders-are-off' });
  });
});

/** Returns where the entry of the only file begins in the central directory. */
function entryOf(zip: Buffer): number {
  return zip.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'));
}

async function readZip(zip: Buffer, maxBytes = 1024 ** 3): Promise<[string, string][]> {
  return readFiles(filesOfArchive(Readable.from([zip]), maxBytes));
}

describe('a zip archive', () => {
  type Entry = readonly [name: string, content: string | Buffer, options?: Partial<Options>];

  async function createZip(...entries: Entry[]): Promise<Buffer> {
    const zip = new ZipFile();
    for (const [name, content, options] of entries)
      if (name.endsWith('/')) zip.addEmptyDirectory(name);
      else zip.addBuffer(Buffer.from(content), name, options);
    zip.end();
    return buffer(zip.outputStream);
  }

  /** Creates an archive with a name that yazl would reject, by patching the name in both places where it occurs. */
  async function createZipNamed(name: string): Promise<Buffer> {
    const placeholder = 'x'.repeat(Buffer.byteLength(name));
    const zip = await createZip([placeholder, '[]']);
    for (let at = zip.indexOf(placeholder); at >= 0; at = zip.indexOf(placeholder, at + 1)) zip.write(name, at);
    return zip;
  }

  it('yields its JSON files, and reports other files as rejected', async () => {
    const zip = await createZip(
      ['2026/a.json', '[1]'],
      ['2026/', ''],
      ['b.JSON', '[2]', { compress: false }],
      ['read-me.txt', 'hello'],
      ['nested.zip', 'PK'],
    );
    expect(await readZip(zip)).toEqual([
      ['2026/a.json', '[1]'],
      ['b.JSON', '[2]'],
      ['read-me.txt', 'not-json-file'],
      ['nested.zip', 'not-json-file'],
    ]);
  });

  it.each(['../up.json', 'a/../../up.json', '/etc/orders.json', 'C:/orders.json', '..\\up.json', 'a\u0000.json'])(
    'is rejected for an entry named %j, and the error contains the name',
    async (name) => {
      const detail = expect.stringMatching(/up\.json|orders\.json|a/);
      await expect(readZip(await createZipNamed(name))).rejects.toMatchObject({ code: 'unsafe-path', detail });
    },
  );

  it.each<[string, code: string, Entry, (zip: Buffer) => void]>([
    ['is a symbolic link', 'unsafe-path', ['link.json', '/etc/passwd', { mode: 0o120777 }], () => undefined],
    [
      'is a zip bomb, before it is unpacked',
      'zip-bomb',
      ['bomb.json', Buffer.alloc(50 * 1024 * 1024, ' ')],
      (zip) => expect(zip.length).toBeLessThan(100_000),
    ],
    [
      'declares a wrong uncompressed size',
      'broken-zip',
      ['bomb.json', Buffer.alloc(5 * 1024 * 1024, ' ')],
      (zip) => zip.writeUInt32LE(100, entryOf(zip) + 24),
    ],
    ['is encrypted', 'encrypted-entry', ['secret.json', '[]'], (zip) => zip.writeUInt16LE(1, entryOf(zip) + 8)],
    [
      'is damaged',
      'broken-zip',
      ['a.json', '[11111111]', { compress: false }],
      (zip) => zip.write('2', zip.indexOf('[1') + 1),
    ],
  ])('is rejected when an entry %s: %s, and the entry is named', async (_, code, entry, change) => {
    const zip = await createZip(entry);
    change(zip);
    await expect(readZip(zip)).rejects.toMatchObject({ code, detail: expect.stringContaining(entry[0]) });
  });

  it.each<[string, Buffer]>([
    ['is JSON instead', Buffer.from('[{"id": 1}]')],
    ['is empty', Buffer.alloc(0)],
    ['is truncated', Buffer.from('PK\x03\x04', 'latin1')],
  ])('is rejected when it %s', async (_, bytes) => {
    await expect(readZip(bytes)).rejects.toMatchObject({ code: 'broken-zip' });
  });

  it('is rejected when the archive itself is too large', async () => {
    const zip = await createZip(['a.json', '[1]']);
    await expect(readZip(zip, zip.length - 1)).rejects.toMatchObject({ code: 'import-too-large' });
  });
});
