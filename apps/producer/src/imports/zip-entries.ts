import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { HttpStatus } from '@nestjs/common';
import { fromFdPromise, type Entry, type ZipFile } from 'yauzl';
import { Problem } from '#service/http/problem.js';
import { checkedName, NOT_A_JSON_FILE, type IncomingFile } from './incoming-file.js';

/** Maximum ratio of uncompressed to compressed size, per entry and in total; orders as JSON have about 5. */
const MAX_RATIO = 200;
/** Uncompressed size in bytes above which the ratio is checked. */
const RATIO_FROM_BYTES = 1024 * 1024;
const UNIX = 3;
const FILE_TYPE = 0o170000;
const SYMLINK = 0o120000;

/**
 * Yields the files of a zip archive, unpacked while they are read. Declared sizes are checked before unpacking, and actual sizes
 * during it. Any unsafe entry causes the whole archive to be rejected.
 * @param fd file descriptor of the archive; not closed
 * @throws Problem 422 that names the entry
 */
export async function* zipEntries(fd: number, archiveBytes: number): AsyncGenerator<IncomingFile> {
  let unpacked = 0;
  try {
    const archive = await fromFdPromise(fd, { lazyEntries: true, autoClose: false });
    for await (const entry of archive.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      unpacked += entry.uncompressedSize;
      refuseUnsafe(entry, unpacked, archiveBytes);
      const isJson = /\.json$/i.test(entry.fileName);
      yield { name: entry.fileName, content: isJson ? unpack(archive, entry) : NOT_A_JSON_FILE };
    }
  } catch (error) {
    throw toProblem(error);
  }
}

function refuseUnsafe(entry: Entry, unpacked: number, archiveBytes: number): void {
  const { fileName, uncompressedSize, compressedSize } = entry;
  checkedName(fileName);
  if (entry.versionMadeBy >> 8 === UNIX && ((entry.externalFileAttributes >>> 16) & FILE_TYPE) === SYMLINK)
    throw refusal('unsafe-path', fileName, 'is a symbolic link');
  if (entry.isEncrypted()) throw refusal('encrypted-entry', fileName, 'is encrypted');
  if (!entry.canDecodeFileData())
    throw refusal('broken-zip', fileName, 'has an unsupported compression method: use deflate');
  // Entries can share the same compressed bytes, so the total is checked too.
  if (isBomb(uncompressedSize, compressedSize) || isBomb(unpacked, archiveBytes))
    throw refusal('zip-bomb', fileName, `is more than ${MAX_RATIO} times larger when unpacked`);
}

function isBomb(unpacked: number, packed: number): boolean {
  return unpacked > RATIO_FROM_BYTES && unpacked > MAX_RATIO * packed;
}

/** Unpacks an entry. `yauzl` checks the number of bytes; this function checks their CRC-32. */
async function* unpack(archive: ZipFile, entry: Entry): AsyncGenerator<Buffer> {
  let checksum = 0;
  try {
    const stream: Readable = await archive.openReadStreamPromise(entry);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
  } catch (error) {
    throw refusal('broken-zip', entry.fileName, `cannot be unpacked (${toMessage(error)})`);
  }
  if (checksum !== entry.crc32) throw refusal('broken-zip', entry.fileName, 'is damaged: its checksum differs');
}

function refusal(code: string, entry: string, detail: string): Problem {
  const message = `In the zip archive, ${JSON.stringify(entry.slice(0, 512))} ${detail}. Nothing was imported.`;
  return new Problem(HttpStatus.UNPROCESSABLE_ENTITY, code, message);
}

/** Converts an error of the whole archive to a problem. `yauzl` only has messages, which contain the entry's name. */
function toProblem(error: unknown): unknown {
  if (error instanceof Problem) return error;
  const message = toMessage(error).slice(0, 600);
  const code = /^(absolute path|invalid relative path|invalid characters)/.test(message)
    ? 'unsafe-path'
    : /encryption/.test(message)
      ? 'encrypted-entry'
      : 'broken-zip';
  return new Problem(
    HttpStatus.UNPROCESSABLE_ENTITY,
    code,
    `Cannot read the zip archive: ${message}. Nothing was imported.`,
  );
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
