const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
export const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
export const ARRAY_BEGIN = 0x5b;
const BACKSLASH = 0x5c;
export const ARRAY_END = 0x5d;
const OBJECT_BEGIN = 0x7b;
const OBJECT_END = 0x7d;

/** The state of scanning an array element. */
export interface ScanState {
  /** Number of open brackets and braces. */
  depth: number;
  /** Maximum depth so far. */
  deepest: number;
  inString: boolean;
  /** The previous byte was a backslash. */
  isEscaped: boolean;
}

export function initialScanState(): ScanState {
  return { depth: 0, deepest: 0, inString: false, isEscaped: false };
}

/**
 * Finds the comma or bracket after an element: the first one outside of strings, brackets and braces. This is the hot loop of an
 * import: it scans every byte, so it keeps the state in local variables.
 * @param state the scan state; updated in place
 * @returns the index of the separator in the chunk, or the chunk's length if it is not in this chunk
 */
export function findElementEnd(chunk: Buffer, from: number, state: ScanState): number {
  let { depth, deepest, inString, isEscaped } = state;
  let at = from;
  for (; at < chunk.length; at += 1) {
    const byte = chunk[at] as number;
    if (inString) {
      if (isEscaped) isEscaped = false;
      else if (byte === BACKSLASH) isEscaped = true;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === OBJECT_BEGIN || byte === ARRAY_BEGIN) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (depth === 0 && (byte === COMMA || byte === ARRAY_END)) break;
    else if ((byte === OBJECT_END || byte === ARRAY_END) && depth > 0) depth -= 1;
  }
  Object.assign(state, { depth, deepest, inString, isEscaped });
  return at;
}

/** @returns the index of the first byte that is not whitespace, or the chunk's length */
export function skipWhitespace(chunk: Buffer, from: number): number {
  let at = from;
  while (at < chunk.length && isWhitespace(chunk[at] as number)) at += 1;
  return at;
}

function isWhitespace(byte: number): boolean {
  return byte === SPACE || byte === NEWLINE || byte === RETURN || byte === TAB;
}

/** Whether the first byte belongs to a byte-order mark: UTF-8, UTF-16 big- or little-endian. */
export function isByteOrderMark(byte: number): boolean {
  return byte === 0xef || byte === 0xfe || byte === 0xff;
}

/** Whether a JSON value begins with this byte, except `true`, `false` and `null`: a word is more likely the header of a CSV file. */
export function beginsJson(byte: number): boolean {
  return byte === OBJECT_BEGIN || byte === QUOTE || byte === MINUS || (byte >= ZERO && byte <= NINE);
}
