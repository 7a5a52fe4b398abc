import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import lz4 from 'lz4-napi';
import snappy from 'snappy';
import { WireReader } from '../protocol/wire-reader.js';

/** Bounds what a small batch may grow to; brokers take batches of 1 MiB by default. */
const MAX_BYTES = 256 * 1024 * 1024;

type Decompressor = (bytes: Buffer) => Buffer;

/** By the number that a batch's attributes hold: https://kafka.apache.org/documentation/#recordbatch. */
const CODECS: Readonly<Record<number, Decompressor | undefined>> = {
  1: (bytes) => gunzipSync(bytes, { maxOutputLength: MAX_BYTES }),
  2: uncompressSnappy,
  // Bounded by itself: LZ4 makes at most 255 bytes of one.
  3: (bytes) => lz4.decompressFrameSync(bytes),
  4: (bytes) => zstdDecompressSync(bytes, { maxOutputLength: MAX_BYTES }),
};

/** @returns undefined for a codec that is not known */
export function decompressor(codec: number): Decompressor | undefined {
  return CODECS[codec];
}

/** The Java client cuts what it compresses into blocks and frames them as the library snappy-java does; librdkafka doesn't. */
const SNAPPY_JAVA_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const SNAPPY_JAVA_HEADER_BYTES = 16;

function uncompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, SNAPPY_JAVA_MAGIC.length).equals(SNAPPY_JAVA_MAGIC)) return uncompressBlock(bytes);
  const blocks: Buffer[] = [];
  for (let at = SNAPPY_JAVA_HEADER_BYTES; at < bytes.length;) {
    const length = bytes.readInt32BE(at);
    at += 4;
    blocks.push(uncompressBlock(bytes.subarray(at, at + length)));
    at += length;
  }
  return Buffer.concat(blocks);
}

function uncompressBlock(bytes: Buffer): Buffer {
  // A block begins with its uncompressed length, which is allocated before anything else is looked at.
  const length = new WireReader(bytes).unsignedVarint();
  if (length > MAX_BYTES) throw new RangeError(`a snappy block claims ${length} bytes; ${MAX_BYTES} are allowed`);
  const uncompressed = snappy.uncompressSync(bytes);
  return typeof uncompressed === 'string' ? Buffer.from(uncompressed) : uncompressed;
}
