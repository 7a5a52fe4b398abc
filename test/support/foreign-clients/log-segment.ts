import { open, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from '@platformatic/kafka';
import { isErrno } from '../../../dev/machine/processes.js';
import { CODECS } from './foreign-record.js';

/** The positions of the fields in a record batch of magic 2 (Kafka's message format, "Record Batch"). */
const BATCH_FIELDS = {
  baseOffset: 0,
  length: 8,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  producerId: 43,
  count: 57,
  records: 61,
} as const;
/** The bytes that `length` doesn't include: itself and the base offset. */
const LOG_OVERHEAD = 12;

/** A record batch on a broker's disk. */
export interface StoredBatch {
  readonly file: string;
  /** The byte of the file where it begins. */
  readonly position: number;
  readonly bytes: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** The codec's name, or its number if the codec is unknown. */
  readonly codec: string;
  readonly isTransactional: boolean;
  /** A transaction's commit or abort marker. */
  readonly isControl: boolean;
  readonly producerId: bigint;
  /** The number of records: 0 if the cleaner has removed all of them but kept the batch. */
  readonly records: number;
}

/** Lists a partition's batches as stored by the broker, in offset order. @param directory see `StandaloneKafka.partitionDirectory` */
export async function storedBatches(directory: string): Promise<StoredBatch[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.log')).toSorted();
  try {
    const segments = await Promise.all(names.map((name) => batchesIn(join(directory, name))));
    return segments.flat();
  } catch (error) {
    // The log cleaner has replaced a segment since the folder was listed.
    if (isErrno(error, 'ENOENT')) return storedBatches(directory);
    throw error;
  }
}

async function batchesIn(file: string): Promise<StoredBatch[]> {
  const bytes = await readFile(file);
  const batches: StoredBatch[] = [];
  for (let position = 0; position + BATCH_FIELDS.records <= bytes.length;) {
    const length = LOG_OVERHEAD + bytes.readInt32BE(position + BATCH_FIELDS.length);
    // The rest is preallocated, or being written.
    if (length === LOG_OVERHEAD || position + length > bytes.length) break;
    batches.push(toBatch(file, position, bytes.subarray(position, position + length)));
    position += length;
  }
  return batches;
}

function toBatch(file: string, position: number, bytes: Buffer): StoredBatch {
  const baseOffset = Number(bytes.readBigInt64BE(BATCH_FIELDS.baseOffset));
  const attributes = bytes.readInt16BE(BATCH_FIELDS.attributes);
  return {
    file,
    position,
    bytes: bytes.length,
    baseOffset,
    lastOffset: baseOffset + bytes.readInt32BE(BATCH_FIELDS.lastOffsetDelta),
    codec: CODECS[attributes & 0x07] ?? String(attributes & 0x07),
    isTransactional: (attributes & 0x10) !== 0,
    isControl: (attributes & 0x20) !== 0,
    producerId: bytes.readBigInt64BE(BATCH_FIELDS.producerId),
    records: bytes.readInt32BE(BATCH_FIELDS.count),
  };
}

// The following changes segments on disk, like a failing disk or a lost replica. Use it only while the broker is stopped.

/** Codec numbers that Kafka has not assigned to a codec. */
export type UnknownCodec = 5 | 6 | 7;

/** Flips a byte amid the batch's records, so that its CRC is wrong. Needs a clean stop, or the broker checks CRCs at its start. */
export async function corruptBatch(batch: StoredBatch): Promise<void> {
  await rewrite(batch, (bytes) => {
    const at = BATCH_FIELDS.records + Math.floor((bytes.length - BATCH_FIELDS.records) / 2);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x01, at);
  });
}

/** Sets a codec that no client knows, with a valid CRC. The broker must have stopped cleanly. */
export async function setUnknownCodec(batch: StoredBatch, codec: UnknownCodec): Promise<void> {
  await rewrite(batch, (bytes) => {
    const attributes = bytes.readInt16BE(BATCH_FIELDS.attributes);
    bytes.writeInt16BE((attributes & ~0x07) | codec, BATCH_FIELDS.attributes);
    bytes.writeUInt32BE(crc32c(bytes.subarray(BATCH_FIELDS.attributes)), BATCH_FIELDS.crc);
  });
}

/** Removes the batches from an offset on, as if this replica had never fetched them. Needs a killed broker, which rebuilds the indexes. */
export async function truncateLog(directory: string, offset: number): Promise<void> {
  const first = (await storedBatches(directory)).find(({ baseOffset }) => baseOffset === offset);
  if (first === undefined) throw new RangeError(`no batch begins at offset ${offset} in ${directory}`);
  await truncate(first.file, first.position);
  const derived = (await readdir(directory)).filter((name) => /\.(index|timeindex|txnindex|snapshot)$/.test(name));
  await Promise.all(derived.map((name) => rm(join(directory, name))));
}

async function rewrite(batch: StoredBatch, change: (bytes: Buffer) => void): Promise<void> {
  const file = await open(batch.file, 'r+');
  try {
    const bytes = Buffer.alloc(batch.bytes);
    await file.read(bytes, 0, bytes.length, batch.position);
    change(bytes);
    await file.write(bytes, 0, bytes.length, batch.position);
  } finally {
    await file.close();
  }
}
