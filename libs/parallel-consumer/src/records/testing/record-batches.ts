import { gzipSync, zstdCompressSync } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import lz4 from 'lz4-napi';
import snappy from 'snappy';

export interface WrittenRecord {
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly headers?: readonly (readonly [string, Buffer | null])[];
  /** Default: the index of the record. */
  readonly offsetDelta?: number;
  readonly timestampDelta?: number;
}

export interface WrittenBatch {
  readonly baseOffset: number;
  readonly records: readonly WrittenRecord[];
  readonly codec?: keyof typeof COMPRESS | number;
  readonly leaderEpoch?: number;
  readonly producerId?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  /** Default: the offset delta of the last record. */
  readonly lastOffsetDelta?: number;
  /** Set for a batch with log-append time, which applies to all its records; in ms since 1970. */
  readonly appendTime?: number;
}

export const BASE_TIMESTAMP = 1_700_000_000_000;

const CODECS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
const COMPRESS = {
  none: (bytes: Buffer) => bytes,
  gzip: (bytes: Buffer) => gzipSync(bytes),
  snappy: (bytes: Buffer) => snappy.compressSync(bytes),
  lz4: (bytes: Buffer) => lz4.compressFrameSync(bytes),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
};

/** Encodes a record batch of format version 2, as stored in a broker's log. */
export function batchBytes(batch: WrittenBatch): Buffer {
  const { records, codec = 'none' } = batch;
  const last = records.at(-1)?.offsetDelta ?? records.length - 1;
  const body = Buffer.concat(records.map((record, index) => recordBytes(record, index)));
  const compressed = typeof codec === 'number' ? body : COMPRESS[codec](body);
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(BigInt(batch.baseOffset), 0);
  head.writeInt32BE(head.length - 12 + compressed.length, 8);
  head.writeInt32BE(batch.leaderEpoch ?? 0, 12);
  head.writeInt8(2, 16);
  head.writeInt16BE(toAttributes(batch), 21);
  head.writeInt32BE(batch.lastOffsetDelta ?? last, 23);
  head.writeBigInt64BE(BigInt(BASE_TIMESTAMP), 27);
  head.writeBigInt64BE(BigInt(batch.appendTime ?? BASE_TIMESTAMP), 35);
  head.writeBigInt64BE(BigInt(batch.producerId ?? -1), 43);
  head.writeInt16BE(-1, 51);
  head.writeInt32BE(-1, 53);
  head.writeInt32BE(records.length, 57);
  const bytes = Buffer.concat([head, compressed]);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

/** Encodes the control batch that ends a producer's transaction. */
export function markerBytes(baseOffset: number, producerId: number, ending: 'commit' | 'abort'): Buffer {
  const key = Buffer.from([0, 0, 0, ending === 'commit' ? 1 : 0]);
  return batchBytes({
    baseOffset,
    producerId,
    isTransactional: true,
    isControl: true,
    records: [{ key, value: Buffer.alloc(6) }],
  });
}

function toAttributes({ codec = 'none', isTransactional, isControl, appendTime }: WrittenBatch): number {
  const number = typeof codec === 'number' ? codec : CODECS[codec];
  return (
    number |
    (appendTime === undefined ? 0 : 0b1000) |
    (isTransactional === true ? 0b1_0000 : 0) |
    (isControl === true ? 0b10_0000 : 0)
  );
}

function recordBytes({ key = null, value = null, headers = [], ...deltas }: WrittenRecord, index: number): Buffer {
  const parts = [
    Buffer.from([0]),
    varint(deltas.timestampDelta ?? 0),
    varint(deltas.offsetDelta ?? index),
    ...withLength(key),
    ...withLength(value),
    varint(headers.length),
    ...headers.flatMap(([name, bytes]) => [...withLength(Buffer.from(name)), ...withLength(bytes)]),
  ];
  const body = Buffer.concat(parts);
  return Buffer.concat([varint(body.length), body]);
}

function withLength(bytes: Buffer | null): Buffer[] {
  return bytes === null ? [varint(-1)] : [varint(bytes.length), bytes];
}

/** Encodes a zigzag varint. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
