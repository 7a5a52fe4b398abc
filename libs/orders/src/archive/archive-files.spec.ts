import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BSON } from 'mongodb';
import { DocumentsHash, readDocuments, writeDocuments, type FileDigest } from './archive-file.js';
import { DiskFolder } from './archive-folder.js';
import { archiveName, parseManifest, type ArchiveManifest } from './archive-manifest.js';

const DOCUMENTS = Array.from({ length: 700 }, (_, at) =>
  Buffer.from(BSON.serialize({ at, text: 'x'.repeat((at * 37) % 2_000) })),
);
const ALL = Buffer.concat(DOCUMENTS);

async function* batches(): AsyncGenerator<readonly Buffer[]> {
  for (let at = 0; at < DOCUMENTS.length; at += 100) yield DOCUMENTS.slice(at, at + 100);
}

async function written(): Promise<{ file: Buffer; digest: FileDigest }> {
  const sink = new PassThrough();
  const file = buffer(sink);
  const digest = await writeDocuments(batches(), sink);
  return { file: await file, digest };
}

async function read(file: Buffer): Promise<{ documents: Buffer[]; digest: FileDigest | undefined }> {
  const documents: Buffer[] = [];
  let digest: FileDigest | undefined;
  // In small pieces, so that documents are split anywhere.
  const pieces = Array.from({ length: Math.ceil(file.length / 997) }, (_, at) =>
    file.subarray(at * 997, at * 997 + 997),
  );
  for await (const some of readDocuments('one', Readable.from(pieces), (found) => (digest = found)))
    documents.push(...some);
  return { documents, digest };
}

describe('the file of an archive', () => {
  it('has the format of mongodump: BSON documents, compressed', async () => {
    const { file } = await written();
    expect(gunzipSync(file).equals(ALL)).toBe(true);
  });

  it('returns what was written, with the same hashes', async () => {
    const { file, digest } = await written();
    const found = await read(file);
    // Jest compares buffers byte by byte, which takes seconds.
    expect(found.documents.map(({ length }) => length)).toEqual(DOCUMENTS.map(({ length }) => length));
    expect(Buffer.concat(found.documents).equals(ALL)).toBe(true);
    expect(found.digest).toEqual(digest);
    const hash = new DocumentsHash();
    hash.add(DOCUMENTS);
    expect(hash.digest()).toEqual({ count: digest.count, documents: digest.documents });
    expect([digest.count, digest.file.bytes]).toEqual([700, file.length]);
  });

  it.each([
    ['cut short', (file: Buffer) => file.subarray(0, file.length - 20)],
    ['no gzip', () => Buffer.from('text')],
    ['no BSON', () => gzipSync('text that is no BSON')],
    ['cut within an order', () => gzipSync(ALL.subarray(0, -3))],
  ])('that is %s is damaged', async (_what, change) => {
    const { file } = await written();
    await expect(read(change(file))).rejects.toMatchObject({ code: 'archive-damaged' });
  });

  it('is not written if its source or its disk fails', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    const sink = new Writable({ write: (_chunk, _encoding, done) => done(full) });
    await expect(writeDocuments(batches(), sink)).rejects.toBe(full);
  });
});

describe('the manifest of an archive', () => {
  it('has a name that sorts as its numbers do', () => {
    expect(archiveName({ first: 1, last: 100_000 })).toBe('orders-000000000001-000000100000');
  });

  it.each([
    ['archive-newer', '{"format": 2}'],
    ['archive-damaged', '{"format": 1}'],
    ['archive-damaged', '{"format": 1,'],
    ['archive-damaged', 'null'],
  ])('is refused as %s: %s', (code, text) => {
    expect(() => parseManifest('one', text)).toThrow(expect.objectContaining({ code }));
  });
});

describe('the folder of archives', () => {
  let parent: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'orders-archives-'));
  });

  afterEach(async () => rm(parent, { recursive: true }));

  it('is readable for its owner only, also where a crash has left a file', async () => {
    const path = join(parent, 'new', 'archives');
    await new DiskFolder(path).write('first', batches());
    await writeFile(join(path, 'second.bson.gz.part'), 'left', { mode: 0o644 });
    await new DiskFolder(path).write('second', batches());
    await writeFile(join(path, 'second.manifest.json.part'), 'left', { mode: 0o644 });
    await new DiskFolder(path).complete({ name: 'second' } as ArchiveManifest);
    expect(await readdir(path)).toEqual(['first.bson.gz', 'second.bson.gz', 'second.manifest.json']);
    for (const file of await readdir(path))
      expect([file, (await stat(join(path, file))).mode & 0o777]).toEqual([file, 0o600]);
    for (const folder of [path, join(parent, 'new')]) expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });
});
