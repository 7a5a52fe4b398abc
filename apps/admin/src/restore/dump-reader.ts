import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { splitDocuments } from '#orders/archive/archive-file.js';
import { RestoreError } from './restore-error.js';

/** Bytes of the documents of one yield, unless a single one is larger. */
const GROUP_BYTES = 2 * 2 ** 20;

/** Yields the raw documents of a `.bson` or `.bson.gz` file in groups. @throws RestoreError `altered-file` if the file ends within a document */
export async function* readDump(path: string): AsyncGenerator<readonly Buffer[]> {
  const file = createReadStream(path, { highWaterMark: 2 ** 20 });
  const stream = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  let rest: Buffer = Buffer.alloc(0);
  let group: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const split = splitDocuments(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), () => broken(path));
    rest = split.rest;
    for (const document of split.documents) {
      group.push(document);
      bytes += document.length;
      if (bytes < GROUP_BYTES) continue;
      yield group;
      group = [];
      bytes = 0;
    }
  }
  if (rest.length > 0) throw broken(path);
  if (group.length > 0) yield group;
}

function broken(path: string): RestoreError {
  return new RestoreError('altered-file', `${path} does not consist of whole BSON documents. Copy it again.`);
}
