/** Changes a partition's segments on disk, like a failing disk or a lost replica. Use it only while the broker is stopped. */
import { open, readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { BATCH_FIELDS, storedBatches, type StoredBatch } from './log-segment.js';

/** The Castagnoli polynomial, reflected (RFC 3720, section 12.1). */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  return remainder;
});

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

/** Computes the checksum of a record batch. `node:zlib` only has CRC-32, which uses another polynomial. */
function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) remainder = (remainder >>> 8) ^ (TABLE[(remainder ^ byte) & 0xff] ?? 0);
  return (remainder ^ 0xffffffff) >>> 0;
}
