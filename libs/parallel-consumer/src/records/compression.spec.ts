import { describe, expect, it } from '@jest/globals';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import lz4 from 'lz4-napi';
import snappy from 'snappy';
import { decompressor, TooManyBytesError } from './compression.js';
import { lz4Size } from './lz4-size.js';

const MIB = 1024 * 1024;
const CODECS = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
/** As the Java client frames snappy blocks. */
const snappyJava = (...blocks: readonly Buffer[]): Buffer => {
  const header = Buffer.from('82534e41505059000000000100000001', 'hex');
  return Buffer.concat([header, ...blocks.flatMap((block) => [uint32(block.length), block])]);
};
const COMPRESS = {
  gzip: (bytes: Buffer) => gzipSync(bytes),
  snappy: (bytes: Buffer) => snappy.compressSync(bytes),
  'snappy in blocks': (bytes: Buffer) =>
    snappyJava(
      snappy.compressSync(bytes.subarray(0, bytes.length / 2)),
      snappy.compressSync(bytes.subarray(bytes.length / 2)),
    ),
  lz4: (bytes: Buffer) => lz4.compressFrameSync(bytes),
  'lz4 with checksums': (bytes: Buffer) =>
    lz4.compressFrameSync(bytes, { blockChecksums: true, contentChecksum: true }),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
};

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function decompress(name: keyof typeof COMPRESS, bytes: Buffer, maxBytes: number): Buffer {
  const [codec = 'gzip'] = name.split(' ') as (keyof typeof CODECS)[];
  const found = decompressor(CODECS[codec]);
  if (found === undefined) throw new Error(`no decompressor for ${codec}`);
  return found(bytes, maxBytes);
}

describe.each(Object.keys(COMPRESS) as (keyof typeof COMPRESS)[])('%s', (name) => {
  it('is decompressed up to the limit, and refused one byte above it', () => {
    const contents = [Buffer.alloc(MIB), Buffer.from('some text, again and again '.repeat(30_000)), Buffer.from('é')];
    for (const content of contents) {
      const bytes = COMPRESS[name](content);
      expect(decompress(name, bytes, content.length).equals(content)).toBe(true);
      expect(() => decompress(name, bytes, content.length - 1)).toThrow(TooManyBytesError);
    }
  });

  it('is refused when it is a bomb', () => {
    const bomb = COMPRESS[name](Buffer.alloc(64 * MIB));
    expect(bomb.length).toBeLessThan(4 * MIB);
    expect(() => decompress(name, bomb, MIB)).toThrow(TooManyBytesError);
  });
});

describe('a snappy block', () => {
  it('is refused by the length that it claims, which the decoder would allocate', () => {
    const claiming = Buffer.from('ffffffff0f00', 'hex');
    expect(() => decompress('snappy', claiming, MIB)).toThrow(TooManyBytesError);
  });
});

describe('the size of an lz4 frame', () => {
  const content = fc
    .array(fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 2_000 })), { maxLength: 20 })
    .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))));

  it('is exact when the bound of its blocks exceeds the limit', () => {
    const property = fc.property(content, fc.boolean(), (bytes, blockChecksums) => {
      const frame = lz4.compressFrameSync(bytes, { blockChecksums });
      expect(lz4Size(frame, bytes.length)).toBeLessThanOrEqual(bytes.length);
      expect(lz4Size(frame, bytes.length - 1)).toBeGreaterThan(bytes.length - 1);
    });
    fc.assert(property, { numRuns: 100 });
  });

  it('ends for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat(MIB), (bytes, limit) => {
        expect(lz4Size(Buffer.from(bytes), limit)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
