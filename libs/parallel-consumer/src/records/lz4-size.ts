/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md */
const HEADER_AT = 4;
const BLOCK_CHECKSUM = 0b1_0000;
const CONTENT_SIZE = 0b1000;
const DICTIONARY_ID = 1;
const UNCOMPRESSED_BLOCK = 0x8000_0000;
const UINT32_BYTES = 4;
/** One byte extends a length by at most this. */
const MAX_LENGTH_BYTE = 255;
const MIN_MATCH = 4;

/**
 * Returns the decompressed size of an LZ4 frame without decompressing it: an upper bound if that is within the limit, else the size itself,
 * or a size above the limit. The content size in the header is optional, and can lie.
 */
export function lz4Size(frame: Buffer, maxBytes: number): number {
  const bound = sizeOfBlocks(frame, maxBytes, boundOfBlock);
  return bound <= maxBytes ? bound : sizeOfBlocks(frame, maxBytes, sizeOfBlock);
}

type BlockSize = (block: Buffer, blockMaxBytes: number) => number;

/** Adds up the blocks, and ends once they exceed the limit. The decoder reports a frame that is malformed. */
function sizeOfBlocks(frame: Buffer, maxBytes: number, sizeOf: BlockSize): number {
  const flags = frame[HEADER_AT] ?? 0;
  const blockMaxBytes = 1 << (8 + 2 * (((frame[HEADER_AT + 1] ?? 0) >>> 4) & 0b111));
  const checksumBytes = (flags & BLOCK_CHECKSUM) === 0 ? 0 : UINT32_BYTES;
  let at = HEADER_AT + 3;
  if ((flags & CONTENT_SIZE) !== 0) at += 8;
  if ((flags & DICTIONARY_ID) !== 0) at += 4;
  let size = 0;
  while (at + UINT32_BYTES <= frame.length && size <= maxBytes) {
    const header = frame.readUInt32LE(at);
    const length = header % UNCOMPRESSED_BLOCK;
    if (length === 0) break;
    at += UINT32_BYTES;
    const block = frame.subarray(at, at + length);
    size += header >= UNCOMPRESSED_BLOCK ? block.length : sizeOf(block, blockMaxBytes);
    at += length + checksumBytes;
  }
  return size;
}

function boundOfBlock({ length }: Buffer, blockMaxBytes: number): number {
  return Math.min(blockMaxBytes, MAX_LENGTH_BYTE * length);
}

/** Adds up the lengths of a block's sequences: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */
function sizeOfBlock(block: Buffer): number {
  let at = 0;
  let size = 0;
  /** Reads the bytes that extend a length of 15. */
  const extended = (length: number): number => {
    if (length !== 15) return length;
    let sum = length;
    let byte = MAX_LENGTH_BYTE;
    while (byte === MAX_LENGTH_BYTE) {
      byte = block[at] ?? 0;
      sum += byte;
      at += 1;
    }
    return sum;
  };
  while (at < block.length) {
    const token = block[at] ?? 0;
    at += 1;
    const literals = extended(token >>> 4);
    size += literals;
    at += literals;
    // The last sequence has literals only; others have the two bytes of an offset.
    if (at >= block.length) break;
    at += 2;
    size += MIN_MATCH + extended(token & 15);
  }
  return size;
}
