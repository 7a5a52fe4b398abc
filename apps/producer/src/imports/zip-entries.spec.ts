import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { ZipFile, type Options } from 'yazl';
import { isRefused } from './incoming-file.js';
import { filesOfArchive } from './zip-archive.js';

type Entries = readonly (readonly [name: string, content: string | Buffer, options?: Partial<Options>])[];

async function createZip(entries: Entries): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content, options] of entries)
    if (name.endsWith('/')) zip.addEmptyDirectory(name);
    else zip.addBuffer(Buffer.from(content), name, options);
  zip.end();
  return buffer(zip.outputStream);
}

/** Creates an archive with a name that yazl would reject, by patching the name in both places where it occurs. */
async function createZipNamed(name: string, content: string | Buffer): Promise<Buffer> {
  const placeholder = 'x'.repeat(Buffer.byteLength(name));
  const zip = await createZip([[placeholder, content]]);
  for (let at = zip.indexOf(placeholder); at >= 0; at = zip.indexOf(placeholder, at + 1)) zip.write(name, at);
  return zip;
}

/** Returns each file's text, or its rejection code. */
async function readFiles(zip: Buffer, maxBytes = 1024 ** 3): Promise<[string, string][]> {
  const files: [string, string][] = [];
  for await (const { name, content } of filesOfArchive(Readable.from([zip]), maxBytes))
    files.push([name, isRefused(content) ? content.code : (await Readable.from(content).toArray()).join('')]);
  return files;
}

async function readRefusal(zip: Buffer, maxBytes?: number): Promise<{ code?: string; detail?: string }> {
  return readFiles(zip, maxBytes).then(
    () => ({}),
    (error: unknown) => error as { code: string; detail: string },
  );
}

describe('a zip archive', () => {
  it('yields its JSON files, and reports other files as rejected', async () => {
    const zip = await createZip([
      ['2026/a.json', '[1]'],
      ['2026/', ''],
      ['b.JSON', '[2]', { compress: false }],
      ['read-me.txt', 'hello'],
      ['nested.zip', 'PK'],
    ]);
    expect(await readFiles(zip)).toEqual([
      ['2026/a.json', '[1]'],
      ['b.JSON', '[2]'],
      ['read-me.txt', 'not-json-file'],
      ['nested.zip', 'not-json-file'],
    ]);
  });

  it.each(['../up.json', 'a/../../up.json', '/etc/orders.json', 'C:/orders.json', '..\\up.json', 'a\u0000.json'])(
    'is rejected for an entry named %j, and the error contains the name',
    async (name) => {
      const refusal = await readRefusal(await createZipNamed(name, '[]'));
      expect(refusal.code).toBe('unsafe-path');
      expect(refusal.detail).toMatch(/up\.json|orders\.json|a/);
    },
  );

  it('is rejected for a symbolic link', async () => {
    const zip = await createZip([['link.json', '/etc/passwd', { mode: 0o120777 }]]);
    expect(await readRefusal(zip)).toMatchObject({ code: 'unsafe-path', detail: expect.stringContaining('link.json') });
  });

  it('is rejected as a zip bomb before it is unpacked', async () => {
    const zip = await createZip([['bomb.json', Buffer.alloc(50 * 1024 * 1024, ' ')]]);
    expect(zip.length).toBeLessThan(100_000);
    expect(await readRefusal(zip)).toMatchObject({ code: 'zip-bomb', detail: expect.stringContaining('bomb.json') });
  });

  it('is rejected when it declares a wrong size of an entry', async () => {
    const zip = await createZip([['bomb.json', Buffer.alloc(5 * 1024 * 1024, ' ')]]);
    // The uncompressed size in the central directory.
    zip.writeUInt32LE(100, zip.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1')) + 24);
    expect(await readRefusal(zip)).toMatchObject({ code: 'broken-zip', detail: expect.stringContaining('bomb.json') });
  });

  it('is rejected for an encrypted entry', async () => {
    const zip = await createZip([['secret.json', '[]']]);
    zip.writeUInt16LE(1, zip.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1')) + 8);
    expect(await readRefusal(zip)).toMatchObject({
      code: 'encrypted-entry',
      detail: expect.stringContaining('secret.json'),
    });
  });

  it('is rejected for a damaged entry', async () => {
    const zip = await createZip([['a.json', '[11111111]', { compress: false }]]);
    zip.write('2', zip.indexOf('[1') + 1);
    expect(await readRefusal(zip)).toMatchObject({ code: 'broken-zip', detail: expect.stringContaining('a.json') });
  });

  it.each<[string, Buffer]>([
    ['is JSON instead', Buffer.from('[{"id": 1}]')],
    ['is empty', Buffer.alloc(0)],
    ['is truncated', Buffer.from('PK\x03\x04', 'latin1')],
  ])('is rejected when it %s', async (_, bytes) => {
    expect(await readRefusal(bytes)).toMatchObject({ code: 'broken-zip' });
  });

  it('is rejected when the archive itself is too large', async () => {
    const zip = await createZip([['a.json', '[1]']]);
    expect(await readRefusal(zip, zip.length - 1)).toMatchObject({ code: 'import-too-large' });
  });
});
