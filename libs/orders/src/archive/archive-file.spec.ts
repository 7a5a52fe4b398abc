import { describe, expect, it } from '@jest/globals';
import { Readable, Writable } from 'node:stream';
import { BSON } from 'mongodb';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DocumentsHash, readDocuments, writeDocuments, type FileDigest } from './archive-file.js';
import { archiveName, parseManifest } from './archive-manifest.js';

const DOCUMENTS = Array.from({ length: 700 }, (_, at) =>
  Buffer.from(BSON.serialize({ at, text: 'x'.repeat((at * 37) % 2_000) })),
);

async function* batches(): AsyncGenerator<readonly Buffer[]> {
  for (let at = 0; at < DOCUMENTS.length; at += 100) yield DOCUMENTS.slice(at, at + 100);
}

async function written(): Promise<{ file: Buffer; digest: FileDigest }> {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  const digest = await writeDocuments(batches(), sink);
  return { file: Buffer.concat(chunks), digest };
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
    expect(gunzipSync(file).equals(Buffer.concat(DOCUMENTS))).toBe(true);
  });

  it('returns what was written, with the same hashes', async () => {
    const { file, digest } = await written();
    const found = await read(file);
    // Jest compares buffers byte by byte, which takes seconds.
    expect(found.documents.map(({ length }) => length)).toEqual(DOCUMENTS.map(({ length }) => length));
    expect(Buffer.concat(found.documents).equals(Buffer.concat(DOCUMENTS))).toBe(true);
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
    ['cut within an order', () => gzipSync(Buffer.concat(DOCUMENTS).subarray(0, -3))],
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
