import { createHash } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { ArchiveError, WHAT_TO_DO } from './archive-manifest.js';

/** Higher levels save a tenth of the bytes, and need several times the CPU time. */
const GZIP_LEVEL = 1;
/** Bytes that the decompression returns at once. */
const CHUNK_BYTES = 256 * 1024;

/** How many documents there are, and the hashes of their bytes. */
export interface FileDigest {
  readonly count: number;
  /** The documents, uncompressed. */
  readonly documents: { readonly bytes: number; readonly sha256: string };
  /** The file, compressed. */
  readonly file: { readonly bytes: number; readonly sha256: string };
}

/** Hashes documents one after another. */
export class DocumentsHash {
  private readonly bytes = new BytesHash();
  private count = 0;

  add(documents: readonly Buffer[]): void {
    for (const document of documents) this.bytes.add(document);
    this.count += documents.length;
  }

  /** Returns the result; nothing can be added after it. */
  digest(): Pick<FileDigest, 'count' | 'documents'> {
    return { count: this.count, documents: this.bytes.digest() };
  }
}

/**
 * Writes documents to a file in the format of `mongodump --gzip`: their BSON, one after another, compressed. So `bsondump` and
 * `mongorestore` read it.
 * @param sink it is closed at the end, and destroyed after a failure
 * @throws the error of the sink or of the batches
 */
export async function writeDocuments(batches: AsyncIterable<readonly Buffer[]>, sink: Writable): Promise<FileDigest> {
  const content = new DocumentsHash();
  const file = new BytesHash();
  await pipeline(
    async function* () {
      for await (const batch of batches) {
        content.add(batch);
        yield Buffer.concat(batch);
      }
    },
    createGzip({ level: GZIP_LEVEL, chunkSize: CHUNK_BYTES }),
    (chunks: AsyncIterable<Buffer>) => file.passed(chunks),
    sink,
  );
  return { ...content.digest(), file: file.digest() };
}

/**
 * Reads the documents of a file in batches, in their order.
 * @param onEnd receives the digest after the last document
 * @throws ArchiveError `archive-damaged` when the bytes are not what `writeDocuments` writes, or the error of the source
 */
export async function* readDocuments(
  name: string,
  source: Readable,
  onEnd: (digest: FileDigest) => void,
): AsyncGenerator<readonly Buffer[]> {
  const content = new DocumentsHash();
  const file = new BytesHash();
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const piped = pipeline(source, (chunks: AsyncIterable<Buffer>) => file.passed(chunks), gunzip);
  // The loop below throws the same error.
  piped.catch(() => undefined);
  const broken = (length: number): ArchiveError => damaged(name, `an order has ${length} bytes`);
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      const split = splitDocuments(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), broken);
      rest = split.rest;
      content.add(split.documents);
      if (split.documents.length > 0) yield split.documents;
    }
  } catch (error) {
    throw isZlibError(error) ? damaged(name, `it can't be decompressed (${error.message})`) : error;
  } finally {
    // If the caller stops early.
    source.destroy();
  }
  if (rest.length > 0) throw damaged(name, 'it ends within an order');
  onEnd({ ...content.digest(), file: file.digest() });
}

/** Hashes bytes. */
class BytesHash {
  private readonly hash = createHash('sha256');
  private bytes = 0;

  add(chunk: Buffer): void {
    this.hash.update(chunk);
    this.bytes += chunk.length;
  }

  async *passed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.add(chunk);
      yield chunk;
    }
  }

  digest(): FileDigest['file'] {
    return { bytes: this.bytes, sha256: this.hash.digest('hex') };
  }
}

function damaged(name: string, what: string): ArchiveError {
  return new ArchiveError('archive-damaged', `The file of ${name} was cut short or altered: ${what}. ${WHAT_TO_DO}`);
}

/** The errors of zlib have codes such as `Z_BUF_ERROR`. They are of another realm's `Error` under Jest. */
function isZlibError(error: unknown): error is { readonly message: string } {
  return typeof error === 'object' && error !== null && 'code' in error && String(error.code).startsWith('Z_');
}

const LENGTH_BYTES = 4;
/** The bytes of an empty document. */
const LEAST_BYTES = 5;
/** MongoDB's limit, with room for what its own tools add. */
const MOST_BYTES = 17 * 2 ** 20;

/**
 * Splits bytes of a dump file, which are BSON documents one after another, into the complete documents at their begin, and the rest.
 * @param broken makes the error for a document that can't have its length
 */
export function splitDocuments(
  bytes: Buffer,
  broken: (length: number) => Error,
): { readonly documents: Buffer[]; readonly rest: Buffer } {
  const documents: Buffer[] = [];
  let at = 0;
  while (at + LENGTH_BYTES <= bytes.length) {
    const length = bytes.readInt32LE(at);
    if (length < LEAST_BYTES || length > MOST_BYTES) throw broken(length);
    if (at + length > bytes.length) break;
    documents.push(bytes.subarray(at, at + length));
    at += length;
  }
  return { documents, rest: bytes.subarray(at) };
}
