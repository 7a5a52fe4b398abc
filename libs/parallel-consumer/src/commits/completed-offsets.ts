import type { OffsetRange } from '../partition/offset-tracker.js';
import type { EpochStart } from '../records/batch-extent.js';

/** Maximum length of the metadata of one commit; Kafka's default limit is 4,096 bytes (`offset.metadata.max.bytes`). */
export const MAX_METADATA_CHARACTERS = 4_000;
const MAX_BYTES = (MAX_METADATA_CHARACTERS / 4) * 3;
/** Without epochs; written by versions up to 0.2.0. */
const VERSION_2 = 2;
const VERSION = 3;
const LOG_ID_BYTES = 16;
/** More epochs than records can have between two commits, unless a leader fails every few seconds. */
const MAX_EPOCHS = 64;

/** The content of a commit's metadata. */
export interface CompletedOffsets {
  /** Topic id of the log that was read, 32 hexadecimal digits. Another log has other records at the same offsets. */
  readonly logId: string;
  /** Completed offsets beyond the committed one: ascending, disjoint. */
  readonly finished: readonly OffsetRange[];
  /**
   * Leader epochs of the records from the committed offset on, each with its first offset; -1: unknown. A record with another epoch
   * is another record: the log was truncated and written anew. Metadata of version 2 have none.
   */
  readonly epochs: readonly EpochStart[];
}

/**
 * Encodes the log id and the completed offsets beyond the committed one as commit metadata, so that the partition's next owner does
 * not repeat them after a crash. Confluent's Parallel Consumer uses the same idea.
 *
 * Format, in base64: the version (3), the log id (16 bytes), the committed offset, the number of epochs, for each the distance of its
 * first offset to the previous one's and the epoch plus 1, then the lengths of alternating unfinished and completed runs from the
 * committed offset. All numbers are LEB128. If the result exceeds the limit, or there are more than 64 epochs, it is cut to the
 * longest prefix that fits. Completed records beyond that prefix are repeated after a crash, never lost.
 * @param finished ascending, disjoint, beyond `committed`
 * @param epochs from the committed offset on, ascending
 */
export function encodeCompletedOffsets(
  logId: string,
  committed: number,
  finished: Iterable<OffsetRange>,
  epochs: readonly EpochStart[] = [],
): string {
  const bytes = [VERSION, ...Buffer.from(logId, 'hex')];
  pushVarint(bytes, committed);
  pushEpochs(bytes, committed, epochs.slice(0, MAX_EPOCHS));
  const end = epochs[MAX_EPOCHS]?.offset ?? Number.POSITIVE_INFINITY;
  let at = committed;
  for (const { from, to } of finished) {
    const before = bytes.length;
    pushVarint(bytes, from - at);
    pushVarint(bytes, to - from);
    if (bytes.length > MAX_BYTES || to > end) {
      bytes.length = before;
      break;
    }
    at = to;
  }
  return Buffer.from(bytes).toString('base64');
}

/**
 * Decodes commit metadata of version 3 or 2.
 * @param committed the offset that the metadata was committed with
 * @returns undefined for truncated metadata, and for metadata of another tool, version or offset: the log and the completed offsets
 * are then unknown
 */
export function decodeCompletedOffsets(metadata: string, committed: number): CompletedOffsets | undefined {
  const bytes = Buffer.from(metadata, 'base64');
  const [version] = bytes;
  if (version !== VERSION && version !== VERSION_2) return undefined;
  if (bytes.length <= LOG_ID_BYTES || bytes.toString('base64') !== metadata) return undefined;
  const logId = bytes.toString('hex', 1, 1 + LOG_ID_BYTES);
  const numbers = varints(bytes.subarray(1 + LOG_ID_BYTES));
  if (numbers === undefined || numbers.shift() !== committed) return undefined;
  const epochCount = version === VERSION ? (numbers.shift() ?? Number.NaN) : 0;
  const epochs = toEpochs(committed, numbers.splice(0, 2 * epochCount));
  if (epochs.length !== epochCount || numbers.length % 2 !== 0) return undefined;
  const finished: OffsetRange[] = [];
  let at = committed;
  for (let index = 0; index < numbers.length; index += 2) {
    const from = at + (numbers[index] ?? 0);
    at = from + (numbers[index + 1] ?? 0);
    if (!Number.isSafeInteger(at)) return undefined;
    finished.push({ from, to: at });
  }
  return { logId, finished, epochs };
}

function pushEpochs(bytes: number[], committed: number, epochs: readonly EpochStart[]): void {
  pushVarint(bytes, epochs.length);
  let at = committed;
  for (const { epoch, offset } of epochs) {
    pushVarint(bytes, offset - at);
    pushVarint(bytes, epoch + 1);
    at = offset;
  }
}

/** @param pairs the distance of each epoch's first offset, and the epoch plus 1 */
function toEpochs(committed: number, pairs: readonly number[]): EpochStart[] {
  const epochs: EpochStart[] = [];
  let offset = committed;
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    offset += pairs[index] ?? 0;
    epochs.push({ epoch: (pairs[index + 1] ?? 0) - 1, offset });
  }
  return epochs;
}

/** Divides instead of shifting, because shifts are limited to 32 bits and offsets exceed that. */
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
