import type { OffsetRange } from './offset-frontier.js';

/** Of the metadata of one commit; Kafka's default limit is 4,096 bytes (`offset.metadata.max.bytes`). */
export const MAX_METADATA_CHARACTERS = 4_000;
const MAX_BYTES = (MAX_METADATA_CHARACTERS / 4) * 3;
const VERSION = 1;

/**
 * Writes what is finished beyond a committed offset as text for the commit's metadata, so that whoever reads on after a
 * crash doesn't repeat it. Format, in base64: the version (1), the committed offset, then run lengths from that offset on,
 * unfinished and finished in turn; all but the version as LEB128. Confluent's Parallel Consumer has the same idea.
 * Where it doesn't fit, the longest prefix that does: what is left out is repeated after a crash, never lost.
 * @param finished ascending, disjoint, beyond `committed`
 * @returns '' when nothing is finished beyond
 */
export function encodeFinished(committed: number, finished: Iterable<OffsetRange>): string {
  const bytes = [VERSION];
  pushVarint(bytes, committed);
  const header = bytes.length;
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
  return bytes.length === header ? '' : Buffer.from(bytes).toString('base64');
}

/**
 * Reads such a text. Anything else (another tool's metadata, another version, a map of another offset, a torn one) means that nothing is
 * known to be finished.
 * @param committed the offset that the metadata was committed with
 */
export function decodeFinished(metadata: string, committed: number): OffsetRange[] {
  const bytes = Buffer.from(metadata, 'base64');
  if (bytes[0] !== VERSION || bytes.toString('base64') !== metadata) return [];
  const numbers = varints(bytes.subarray(1));
  if (numbers === undefined || numbers.shift() !== committed || numbers.length % 2 !== 0) return [];
  const ranges: OffsetRange[] = [];
  let at = committed;
  for (let index = 0; index < numbers.length; index += 2) {
    const from = at + (numbers[index] ?? 0);
    at = from + (numbers[index + 1] ?? 0);
    if (!Number.isSafeInteger(at)) return [];
    ranges.push({ from, to: at });
  }
  return ranges;
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
