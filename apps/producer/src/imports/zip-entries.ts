import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { HttpStatus } from '@nestjs/common';
import { fromFdPromise, type Entry, type ZipFile } from 'yauzl';
import { Problem } from '#service/problem.js';
import { checkedName, NOT_A_JSON_FILE, type IncomingFile } from './incoming-file.js';

/** How much an entry, or all of them, may grow by being unpacked: orders as JSON grow some 5 times. */
const MAX_RATIO = 200;
/** From which size on that is looked at. */
const RATIO_FROM_BYTES = 1024 * 1024;
const UNIX = 3;
const FILE_TYPE = 0o170000;
const SYMLINK = 0o120000;

/**
 * The files of a zip archive, unpacked as they are read. Sizes are checked before anything is unpacked, and that they are true
 * while it is. Whatever could hurt refuses the archive as a whole: an honest one has none of it.
 * @param fd stays open
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
    throw problemOf(error);
  }
}

function refuseUnsafe(entry: Entry, unpacked: number, archiveBytes: number): void {
  const { fileName, uncompressedSize, compressedSize } = entry;
  checkedName(fileName);
  if (entry.versionMadeBy >> 8 === UNIX && ((entry.externalFileAttributes >>> 16) & FILE_TYPE) === SYMLINK)
    throw refusal('unsafe-path', fileName, 'is a symbolic link');
  if (entry.isEncrypted()) throw refusal('encrypted-entry', fileName, 'is encrypted');
  if (!entry.canDecodeFileData())
    throw refusal('broken-zip', fileName, 'is packed in a way that can not be read: use deflate');
  // Entries may share the same packed bytes: then it is their sum that gives the archive away.
  if (isBomb(uncompressedSize, compressedSize) || isBomb(unpacked, archiveBytes))
    throw refusal('zip-bomb', fileName, `grows more than ${MAX_RATIO} times by being unpacked`);
}

function isBomb(unpacked: number, packed: number): boolean {
  return unpacked > RATIO_FROM_BYTES && unpacked > MAX_RATIO * packed;
}

/** Not more bytes than the entry says, which `yauzl` sees to, and these very bytes, which it doesn't. */
async function* unpack(archive: ZipFile, entry: Entry): AsyncGenerator<Buffer> {
  let checksum = 0;
  try {
    const stream: Readable = await archive.openReadStreamPromise(entry);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
  } catch (error) {
    throw refusal('broken-zip', entry.fileName, `can not be unpacked (${messageOf(error)})`);
  }
  if (checksum !== entry.crc32) throw refusal('broken-zip', entry.fileName, 'is damaged: its checksum differs');
}

function refusal(code: string, entry: string, detail: string): Problem {
  const message = `In the zip archive, ${JSON.stringify(entry.slice(0, 512))} ${detail}. Nothing was imported.`;
  return new Problem(HttpStatus.UNPROCESSABLE_ENTITY, code, message);
}

/** What the archive as a whole is refused for; `yauzl` tells it in words, with the entry's name. */
function problemOf(error: unknown): unknown {
  if (error instanceof Problem) return error;
  const message = messageOf(error).slice(0, 600);
  const code = /^(absolute path|invalid relative path|invalid characters)/.test(message)
    ? 'unsafe-path'
    : /encryption/.test(message)
      ? 'encrypted-entry'
      : 'broken-zip';
  return new Problem(
    HttpStatus.UNPROCESSABLE_ENTITY,
    code,
    `The zip archive can not be read: ${message}. Nothing was imported.`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
