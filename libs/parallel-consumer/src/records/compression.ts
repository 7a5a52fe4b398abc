import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import lz4 from 'lz4-napi';
import snappy from 'snappy';
import { isObject } from '../checks/value-checks.js';
import { WireReader } from '../protocol/wire-reader.js';
import { lz4Size } from './lz4-size.js';

/** @throws TooManyBytesError before it allocates more than `maxBytes` for the result; another error for malformed bytes */
type Decompressor = (bytes: Buffer, maxBytes: number) => Buffer;

/** Decompressors by the codec number in a batch's attributes: https://kafka.apache.org/documentation/#recordbatch. */
const CODECS: Readonly<Record<number, Decompressor | undefined>> = {
  1: (bytes, maxOutputLength) => inflate(() => gunzipSync(bytes, { maxOutputLength })),
  2: uncompressSnappy,
  3: uncompressLz4,
  4: (bytes, maxOutputLength) => inflate(() => zstdDecompressSync(bytes, { maxOutputLength })),
};

/** The decompressed bytes exceed the limit. */
export class TooManyBytesError extends RangeError {
  override readonly name = 'TooManyBytesError';
}

/** Returns the decompressor of a codec. @returns undefined for an unknown codec */
export function decompressor(codec: number): Decompressor | undefined {
  return CODECS[codec];
}

/** Calls a decompressor of Node.js, which collects the result in small parts, up to the limit. */
function inflate(decompress: () => Buffer): Buffer {
  try {
    return decompress();
  } catch (error) {
    if (isObject(error) && error['code'] === 'ERR_BUFFER_TOO_LARGE')
      throw new TooManyBytesError(String(error['message']), { cause: error });
    throw error;
  }
}

/** The decoder knows no limit. */
function uncompressLz4(bytes: Buffer, maxBytes: number): Buffer {
  requireAtMost(maxBytes, lz4Size(bytes, maxBytes));
  return lz4.decompressFrameSync(bytes);
}

/** The Java client splits snappy data into blocks, framed as in snappy-java. librdkafka writes a single block without framing. */
const SNAPPY_JAVA_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const SNAPPY_JAVA_HEADER_BYTES = 16;

function uncompressSnappy(bytes: Buffer, maxBytes: number): Buffer {
  if (!bytes.subarray(0, SNAPPY_JAVA_MAGIC.length).equals(SNAPPY_JAVA_MAGIC)) return uncompressBlock(bytes, maxBytes);
  const blocks: Buffer[] = [];
  let left = maxBytes;
  for (let at = SNAPPY_JAVA_HEADER_BYTES; at < bytes.length;) {
    const length = bytes.readInt32BE(at);
    at += 4;
    const block = uncompressBlock(bytes.subarray(at, at + length), left);
    blocks.push(block);
    left -= block.length;
    at += length;
  }
  return Buffer.concat(blocks);
}

function uncompressBlock(bytes: Buffer, maxBytes: number): Buffer {
  // The decoder allocates the length that the block claims before it validates the block.
  requireAtMost(maxBytes, new WireReader(bytes).unsignedVarint());
  const uncompressed = snappy.uncompressSync(bytes);
  return typeof uncompressed === 'string' ? Buffer.from(uncompressed) : uncompressed;
}

function requireAtMost(maxBytes: number, bytes: number): void {
  if (bytes > maxBytes) throw new TooManyBytesError(`at most ${maxBytes} decompressed bytes are allowed`);
}
