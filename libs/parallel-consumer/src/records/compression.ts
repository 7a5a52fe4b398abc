import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import lz4 from 'lz4-napi';
import snappy from 'snappy';
import { WireReader } from '../protocol/wire-reader.js';

/** Maximum size of a decompressed batch, in bytes. Brokers accept compressed batches of 1 MiB by default. */
const MAX_BYTES = 256 * 1024 * 1024;

type Decompressor = (bytes: Buffer) => Buffer;

/** Decompressors by the codec number in a batch's attributes: https://kafka.apache.org/documentation/#recordbatch. */
const CODECS: Readonly<Record<number, Decompressor | undefined>> = {
  1: (bytes) => gunzipSync(bytes, { maxOutputLength: MAX_BYTES }),
  2: uncompressSnappy,
  // Needs no limit: LZ4 expands by a factor of 255 at most.
  3: (bytes) => lz4.decompressFrameSync(bytes),
  4: (bytes) => zstdDecompressSync(bytes, { maxOutputLength: MAX_BYTES }),
};

/** Returns the decompressor of a codec. @returns undefined for an unknown codec */
export function decompressor(codec: number): Decompressor | undefined {
  return CODECS[codec];
}

/** The Java client splits snappy data into blocks, framed as in snappy-java. librdkafka writes a single block without framing. */
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
  // The decoder allocates the length that the block claims before it validates the block.
  const length = new WireReader(bytes).unsignedVarint();
  if (length > MAX_BYTES)
    throw new RangeError(`a snappy block must have at most ${MAX_BYTES} uncompressed bytes, got ${length}`);
  const uncompressed = snappy.uncompressSync(bytes);
  return typeof uncompressed === 'string' ? Buffer.from(uncompressed) : uncompressed;
}
