import { crc32c } from '@node-rs/crc32';
import {
  LENGTH_AT,
  LENGTH_END,
  LEADER_EPOCH_AT,
  MAGIC_AT,
  CRC_AT,
  ATTRIBUTES_AT,
  LAST_OFFSET_DELTA_AT,
  BASE_TIMESTAMP_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_ID_AT,
  COUNT_AT,
  HEADER_BYTES,
  MAGIC,
  TRANSACTIONAL,
} from './batch-layout.js';
import { decompressor, TooManyBytesError } from './compression.js';
import { UnreadableRecordsError, type UnreadableReason } from './unreadable-records.js';

const TWO_TO_32 = 0x1_0000_0000;

/** Message sets of Kafka before 0.11. */
const OLD_MAGIC: ReadonlySet<number> = new Set([0, 1]);
const CODEC_MASK = 0b111;
const LOG_APPEND_TIME = 0b1000;
const CONTROL = 0b10_0000;

/** A record batch of format version 2 in the bytes of a fetch: https://kafka.apache.org/documentation/#recordbatch. */
export class RecordBatch {
  private constructor(
    private readonly bytes: Buffer,
    /** Its first byte. */
    readonly start: number,
    /** One past its last byte. */
    readonly end: number,
  ) {}

  /** Opens the batch at a position. @returns undefined at the end of the bytes or at a cut-off batch. @throws UnreadableRecordsError */
  static at(bytes: Buffer, start: number): RecordBatch | undefined {
    if (bytes.length - start < LENGTH_END) return undefined;
    const length = bytes.readInt32BE(start + LENGTH_AT);
    const end = start + LENGTH_END + length;
    if (length < MAGIC_AT - LENGTH_END)
      throw new UnreadableRecordsError(
        'corrupt-records',
        int64(bytes, start),
        `the length of a batch must be at least ${MAGIC_AT - LENGTH_END} bytes, got ${length}`,
      );
    if (end > bytes.length) return undefined;
    const magic = bytes.readInt8(start + MAGIC_AT);
    if (OLD_MAGIC.has(magic))
      throw new UnreadableRecordsError(
        'unsupported-format',
        int64(bytes, start),
        `the records at offset ${int64(bytes, start)} have format version ${magic}; supported is ${MAGIC}, which Kafka writes since 0.11`,
      );
    if (magic !== MAGIC || end - start < HEADER_BYTES)
      throw new UnreadableRecordsError(
        'corrupt-records',
        int64(bytes, start),
        `a batch must have format version ${MAGIC} and at least ${HEADER_BYTES} bytes, got version ${magic} and ${end - start} bytes`,
      );
    return new RecordBatch(bytes, start, end);
  }

  get baseOffset(): number {
    return int64(this.bytes, this.start);
  }

  /** Last offset of the batch as written. Compaction may have removed some or all of its records. */
  get lastOffset(): number {
    return this.baseOffset + this.bytes.readInt32BE(this.start + LAST_OFFSET_DELTA_AT);
  }

  get leaderEpoch(): number {
    return this.bytes.readInt32BE(this.start + LEADER_EPOCH_AT);
  }

  /** -1 for a producer that is neither idempotent nor transactional. */
  get producerId(): number {
    return int64(this.bytes, this.start + PRODUCER_ID_AT);
  }

  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL) !== 0;
  }

  /** Whether the batch is the marker at a transaction's end, without records. */
  get isControl(): boolean {
    return (this.attributes & CONTROL) !== 0;
  }

  /** The base of the records' timestamp deltas, in ms since 1970. */
  get baseTimestamp(): number {
    return int64(this.bytes, this.start + BASE_TIMESTAMP_AT);
  }

  /** The time of all records when the broker sets timestamps (`LogAppendTime`); else undefined. */
  get appendTime(): number | undefined {
    return (this.attributes & LOG_APPEND_TIME) === 0 ? undefined : int64(this.bytes, this.start + MAX_TIMESTAMP_AT);
  }

  get recordCount(): number {
    return this.bytes.readInt32BE(this.start + COUNT_AT);
  }

  /** @throws UnreadableRecordsError when the attributes, or anything behind them, are not as they were written */
  checkCrc(): void {
    const expected = this.bytes.readUInt32BE(this.start + CRC_AT);
    const found = crc32c(this.bytes.subarray(this.start + ATTRIBUTES_AT, this.end));
    if (found !== expected) throw this.corrupt(`has CRC ${found.toString(16)}, expected ${expected.toString(16)}`);
  }

  get isCompressed(): boolean {
    return (this.attributes & CODEC_MASK) !== 0;
  }

  /**
   * Returns the decompressed records; a view if they are not compressed.
   * @param maxBytes limit of the decompressed size
   * @throws UnreadableRecordsError
   */
  records(maxBytes: number): Buffer {
    const bytes = this.bytes.subarray(this.start + HEADER_BYTES, this.end);
    const codec = this.attributes & CODEC_MASK;
    if (codec === 0) return bytes;
    const decompress = decompressor(codec);
    if (decompress === undefined)
      throw new UnreadableRecordsError(
        'unsupported-codec',
        this.baseOffset,
        `the batch at offset ${this.baseOffset} has the unknown codec ${codec}; supported are gzip 1, snappy 2, lz4 3, zstd 4`,
      );
    try {
      return decompress(bytes, maxBytes);
    } catch (error) {
      if (error instanceof TooManyBytesError)
        throw this.unreadable('batch-too-large', `has more than ${maxBytes} decompressed bytes`, error);
      throw this.corrupt('cannot be decompressed', error);
    }
  }

  corrupt(what: string, cause?: unknown): UnreadableRecordsError {
    return this.unreadable('corrupt-records', what, cause);
  }

  private unreadable(code: UnreadableReason, what: string, cause?: unknown): UnreadableRecordsError {
    const options = cause === undefined ? undefined : { cause };
    return new UnreadableRecordsError(code, this.baseOffset, `the batch at offset ${this.baseOffset} ${what}`, options);
  }

  private get attributes(): number {
    return this.bytes.readInt16BE(this.start + ATTRIBUTES_AT);
  }
}

function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4);
}
