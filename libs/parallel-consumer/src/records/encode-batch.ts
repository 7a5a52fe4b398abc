import { crc32c } from '@node-rs/crc32';
import * as layout from './batch-layout.js';
import { isRepeated, type HeaderValue, type OutgoingRecord } from './record.js';

type Bytes = Buffer | string | null;

/** A record of a new batch. */
export type RecordToEncode = Pick<OutgoingRecord, 'key' | 'value' | 'headers'>;

export interface BatchToEncode {
  readonly records: readonly RecordToEncode[];
  /** Of all records, in ms since 1970. */
  readonly timestamp: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly firstSequence: number;
}

/** Bytes that most records need for their length. */
const USUAL_LENGTH_BYTES = 2;
const MAX_VARINT_BYTES = 10;
const MAX_UTF8_BYTES = 3;

/** Encodes an uncompressed record batch of format version 2 in one buffer, as the broker stores it. */
export function encodeBatch(batch: BatchToEncode): Buffer {
  const { records } = batch;
  const bytes = Buffer.allocUnsafe(records.reduce((sum, record) => sum + mostBytes(record), layout.HEADER_BYTES));
  const writer = new RecordWriter(bytes, layout.HEADER_BYTES);
  for (const [offsetDelta, record] of records.entries()) writer.write(record, offsetDelta);
  const whole = bytes.subarray(0, writer.at);
  whole.fill(0, 0, layout.LENGTH_AT);
  whole.writeInt32BE(whole.length - layout.LENGTH_END, layout.LENGTH_AT);
  whole.writeInt32BE(0, layout.LEADER_EPOCH_AT);
  whole.writeInt8(layout.MAGIC, layout.MAGIC_AT);
  whole.writeInt16BE(0, layout.ATTRIBUTES_AT);
  whole.writeInt32BE(records.length - 1, layout.LAST_OFFSET_DELTA_AT);
  const timestamp = BigInt(batch.timestamp);
  whole.writeBigInt64BE(timestamp, layout.BASE_TIMESTAMP_AT);
  whole.writeBigInt64BE(timestamp, layout.MAX_TIMESTAMP_AT);
  whole.writeBigInt64BE(batch.producerId, layout.PRODUCER_ID_AT);
  whole.writeInt16BE(batch.producerEpoch, layout.PRODUCER_EPOCH_AT);
  whole.writeInt32BE(batch.firstSequence, layout.FIRST_SEQUENCE_AT);
  whole.writeInt32BE(records.length, layout.COUNT_AT);
  whole.writeUInt32BE(crc32c(whole.subarray(layout.ATTRIBUTES_AT)), layout.CRC_AT);
  return whole;
}

/** Writes records one after another into a buffer that is large enough. */
class RecordWriter {
  constructor(
    private readonly bytes: Buffer,
    /** One past the last written byte. */
    public at: number,
  ) {}

  write({ key, value, headers }: RecordToEncode, offsetDelta: number): void {
    const start = this.at;
    this.at += USUAL_LENGTH_BYTES;
    // No attributes, and the timestamp of the batch.
    this.bytes[this.at] = 0;
    this.bytes[this.at + 1] = 0;
    this.at += 2;
    this.varint(offsetDelta);
    this.withLength(key);
    this.withLength(value);
    this.headers(headers);
    this.insertLength(start);
  }

  private headers(headers: RecordToEncode['headers']): void {
    const names = Object.keys(headers);
    let count = names.length;
    for (const name of names) {
      const value = headers[name];
      if (isRepeated(value)) count += value.length - 1;
    }
    this.varint(count);
    for (const name of names) {
      const value = headers[name] ?? null;
      if (isRepeated(value)) for (const each of value) this.header(name, each);
      else this.header(name, value);
    }
  }

  private header(name: string, value: HeaderValue): void {
    this.withLength(name);
    this.withLength(value);
  }

  /** Writes the length before the record. It is known only now, and moves the record if it needs more or fewer bytes than usual. */
  private insertLength(start: number): void {
    const from = start + USUAL_LENGTH_BYTES;
    const end = this.at;
    this.at = start;
    const needed = varintBytes(end - from);
    if (needed !== USUAL_LENGTH_BYTES) this.bytes.copyWithin(start + needed, from, end);
    this.varint(end - from);
    this.at += end - from;
  }

  private withLength(value: Bytes): void {
    if (value === null) this.varint(-1);
    else if (typeof value === 'string') this.text(value);
    else {
      this.varint(value.length);
      this.bytes.set(value, this.at);
      this.at += value.length;
    }
  }

  private text(value: string): void {
    this.varint(Buffer.byteLength(value));
    this.at += this.bytes.write(value, this.at);
  }

  /** Writes a zigzag varint. */
  private varint(value: number): void {
    let rest = zigzag(value);
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
      this.bytes[this.at] = (rest % 0x80) | 0x80;
      this.at += 1;
    }
    this.bytes[this.at] = rest;
    this.at += 1;
  }
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = zigzag(value); rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}

/** Returns a number of bytes that a record, with its framing, does not exceed. */
export function mostBytes({ key, value, headers }: RecordToEncode): number {
  let most = 5 * MAX_VARINT_BYTES + mostBytesOf(key) + mostBytesOf(value);
  for (const name of Object.keys(headers)) {
    const header = headers[name] ?? null;
    if (isRepeated(header)) for (const each of header) most += mostBytesOf(name) + mostBytesOf(each);
    else most += mostBytesOf(name) + mostBytesOf(header);
  }
  return most;
}

function mostBytesOf(value: Bytes): number {
  if (value === null) return MAX_VARINT_BYTES;
  return MAX_VARINT_BYTES + (typeof value === 'string' ? MAX_UTF8_BYTES : 1) * value.length;
}
