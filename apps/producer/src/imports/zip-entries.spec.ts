import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { ZipFile, type Options } from 'yazl';
import { isRefused } from './incoming-file.js';
import { filesOfArchive } from './zip-archive.js';

type Entries = readonly (readonly [name: string, content: string | Buffer, options?: Partial<Options>])[];

async function zipOf(entries: Entries): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content, options] of entries)
    if (name.endsWith('/')) zip.addEmptyDirectory(name);
    else zip.addBuffer(Buffer.from(content), name, options);
  zip.end();
  return buffer(zip.outputStream);
}

/** As another program may write it: the name is patched in both places where it stands. */
async function zipNamed(name: string, content: string | Buffer): Promise<Buffer> {
  const placeholder = 'x'.repeat(Buffer.byteLength(name));
  const zip = await zipOf([[placeholder, content]]);
  for (let at = zip.indexOf(placeholder); at >= 0; at = zip.indexOf(placeholder, at + 1)) zip.write(name, at);
  return zip;
}

/** Each file's text, or the code that it is refused with. */
async function filesOf(zip: Buffer, maxBytes = 1024 ** 3): Promise<[string, string][]> {
  const files: [string, string][] = [];
  for await (const { name, content } of filesOfArchive(Readable.from([zip]), maxBytes))
    files.push([name, isRefused(content) ? content.code : (await Readable.from(content).toArray()).join('')]);
  return files;
}

async function refusalOf(zip: Buffer, maxBytes?: number): Promise<{ code?: string; detail?: string }> {
  return filesOf(zip, maxBytes).then(
    () => ({}),
    (error: unknown) => error as { code: string; detail: string },
  );
}

describe('a zip archive', () => {
  it('gives its JSON files, and says what of it is something else', async () => {
    const zip = await zipOf([
      ['2026/a.json', '[1]'],
      ['2026/', ''],
      ['b.JSON', '[2]', { compress: false }],
      ['read-me.txt', 'hello'],
      ['nested.zip', 'PK'],
    ]);
    expect(await filesOf(zip)).toEqual([
      ['2026/a.json', '[1]'],
      ['b.JSON', '[2]'],
      ['read-me.txt', 'not-json-file'],
      ['nested.zip', 'not-json-file'],
    ]);
  });

  it.each(['../up.json', 'a/../../up.json', '/etc/orders.json', 'C:/orders.json', '..\\up.json', 'a\u0000.json'])(
    'is refused for an entry named %j, by its name',
    async (name) => {
      const refusal = await refusalOf(await zipNamed(name, '[]'));
      expect(refusal.code).toBe('unsafe-path');
      expect(refusal.detail).toMatch(/up\.json|orders\.json|a/);
    },
  );

  it('is refused for a symbolic link', async () => {
    const zip = await zipOf([['link.json', '/etc/passwd', { mode: 0o120777 }]]);
    expect(await refusalOf(zip)).toMatchObject({ code: 'unsafe-path', detail: expect.stringContaining('link.json') });
  });

  it('is refused as a bomb before it is unpacked', async () => {
    const zip = await zipOf([['bomb.json', Buffer.alloc(50 * 1024 * 1024, ' ')]]);
    expect(zip.length).toBeLessThan(100_000);
    expect(await refusalOf(zip)).toMatchObject({ code: 'zip-bomb', detail: expect.stringContaining('bomb.json') });
  });

  it('is refused when it hides how large an entry is', async () => {
    const zip = await zipOf([['bomb.json', Buffer.alloc(5 * 1024 * 1024, ' ')]]);
    // The size as it is unpacked, in the central directory.
    zip.writeUInt32LE(100, zip.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1')) + 24);
    expect(await refusalOf(zip)).toMatchObject({ code: 'broken-zip', detail: expect.stringContaining('bomb.json') });
  });

  it('is refused for an encrypted entry', async () => {
    const zip = await zipOf([['secret.json', '[]']]);
    zip.writeUInt16LE(1, zip.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1')) + 8);
    expect(await refusalOf(zip)).toMatchObject({
      code: 'encrypted-entry',
      detail: expect.stringContaining('secret.json'),
    });
  });

  it('is refused for a damaged entry', async () => {
    const zip = await zipOf([['a.json', '[11111111]', { compress: false }]]);
    zip.write('2', zip.indexOf('[1') + 1);
    expect(await refusalOf(zip)).toMatchObject({ code: 'broken-zip', detail: expect.stringContaining('a.json') });
  });

  it.each<[string, Buffer]>([
    ['that is none', Buffer.from('[{"id": 1}]')],
    ['that is empty', Buffer.alloc(0)],
    ['that breaks off', Buffer.from('PK\x03\x04', 'latin1')],
  ])('%s is refused', async (_, bytes) => {
    expect(await refusalOf(bytes)).toMatchObject({ code: 'broken-zip' });
  });

  it('is refused when it is too large itself', async () => {
    const zip = await zipOf([['a.json', '[1]']]);
    expect(await refusalOf(zip, zip.length - 1)).toMatchObject({ code: 'import-too-large' });
  });
});
