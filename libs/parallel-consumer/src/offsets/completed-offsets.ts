import type { OffsetRange } from './offset-tracker.js';

/** Of the metadata of one commit; Kafka's default limit is 4,096 bytes (`offset.metadata.max.bytes`). */
export const MAX_METADATA_CHARACTERS = 4_000;
const MAX_BYTES = (MAX_METADATA_CHARACTERS / 4) * 3;
const VERSION = 2;
const LOG_ID_BYTES = 16;

/** What a commit's metadata says besides the offset. */
export interface CompletedOffsets {
  /** The log that the offset belongs to: 32 hexadecimal digits. Another one has other records at the same offsets. */
  readonly logId: string;
  /** Finished beyond the committed offset: ascending, disjoint. */
  readonly finished: readonly OffsetRange[];
}

/**
 * Encodes, for a commit's metadata, which log was read and which offsets beyond the committed one are finished, so that the next
 * owner of the partition doesn't repeat them after a crash. Format, in base64: the version (2), the log's id (16 bytes), the committed
 * offset, then run lengths from that offset on, unfinished and finished in turn, all as LEB128. Confluent's Parallel Consumer
 * has the same idea. Where it doesn't fit, the longest prefix that does: the rest is repeated after a crash, never lost.
 * @param finished ascending, disjoint, beyond `committed`
 */
export function encodeCompletedOffsets(logId: string, committed: number, finished: Iterable<OffsetRange>): string {
  const bytes = [VERSION, ...Buffer.from(logId, 'hex')];
  pushVarint(bytes, committed);
  let at = committed;
  for (const { from, to } of finished) {
    const before = bytes.length;
    pushVarint(bytes, from - at);
    pushVarint(bytes, to - from);
    if (bytes.length > MAX_BYTES) {
      bytes.length = before;
      break;
    }
    at = to;
  }
  return Buffer.from(bytes).toString('base64');
}

/**
 * Decodes that metadata. @returns undefined for anything else (another tool's metadata, another version, a map of another offset, a
 * torn one): then nothing is known of the log or of what is finished
 * @param committed the offset that the metadata was committed with
 */
export function decodeCompletedOffsets(metadata: string, committed: number): CompletedOffsets | undefined {
  const bytes = Buffer.from(metadata, 'base64');
  if (bytes[0] !== VERSION || bytes.length <= LOG_ID_BYTES || bytes.toString('base64') !== metadata) return undefined;
  const logId = bytes.toString('hex', 1, 1 + LOG_ID_BYTES);
  const numbers = varints(bytes.subarray(1 + LOG_ID_BYTES));
  if (numbers === undefined || numbers.shift() !== committed || numbers.length % 2 !== 0) return undefined;
  const finished: OffsetRange[] = [];
  let at = committed;
  for (let index = 0; index < numbers.length; index += 2) {
    const from = at + (numbers[index] ?? 0);
    at = from + (numbers[index + 1] ?? 0);
    if (!Number.isSafeInteger(at)) return undefined;
    finished.push({ from, to: at });
  }
  return { logId, finished };
}

/** By division, since shifts end at 32 bits and offsets don't. */
function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

function varints(bytes: Uint8Array): number[] | undefined {
  const numbers: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte & 0x7f) * scale;
    scale *= 0x80;
    if (byte < 0x80) {
      numbers.push(value);
      value = 0;
      scale = 1;
    }
  }
  return scale === 1 ? numbers : undefined;
}
