import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { RestoreError } from './restore-error.js';

const LENGTH_BYTES = 4;
/** An empty document. */
const LEAST_BYTES = 5;
/** MongoDB's limit, with room for what its own tools add. */
const MOST_BYTES = 17 * 2 ** 20;
/** Bytes of the documents of one yield, unless a single one is larger. */
const GROUP_BYTES = 2 * 2 ** 20;

/** Yields the raw documents of a `.bson` or `.bson.gz` file in groups. @throws RestoreError `altered-file` if the file ends within a document */
export async function* readDump(path: string): AsyncGenerator<readonly Buffer[]> {
  const file = createReadStream(path, { highWaterMark: 2 ** 20 });
  const stream = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  let rest: Buffer = Buffer.alloc(0);
  let group: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    let at = 0;
    for (let length = lengthAt(rest, at, path); length !== undefined; length = lengthAt(rest, at, path)) {
      group.push(rest.subarray(at, at + length));
      at += length;
      bytes += length;
      if (bytes < GROUP_BYTES) continue;
      yield group;
      group = [];
      bytes = 0;
    }
    rest = rest.subarray(at);
  }
  if (rest.length > 0) throw broken(path);
  if (group.length > 0) yield group;
}

/** @returns the length of the document at a position; `undefined` if it is not complete */
function lengthAt(bytes: Buffer, at: number, path: string): number | undefined {
  if (bytes.length - at < LENGTH_BYTES) return undefined;
  const length = bytes.readInt32LE(at);
  if (length < LEAST_BYTES || length > MOST_BYTES) throw broken(path);
  return bytes.length - at < length ? undefined : length;
}

function broken(path: string): RestoreError {
  return new RestoreError('altered-file', `${path} does not consist of whole BSON documents. Copy it again.`);
}
