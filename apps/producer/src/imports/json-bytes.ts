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

/** Where in an element the scan is. */
export interface ScanState {
  /** Open brackets and braces. */
  depth: number;
  /** The most that were open at once. */
  deepest: number;
  inString: boolean;
  /** The byte behind a backslash comes next. */
  isEscaped: boolean;
}

export function outside(): ScanState {
  return { depth: 0, deepest: 0, inString: false, isEscaped: false };
}

/**
 * Goes on to the comma or bracket behind an element: the first one outside of strings, brackets and braces. The hot loop of an
 * import: every byte passes here, and its state is in local variables meanwhile.
 * @param state where it is, and then was
 * @returns its place in the chunk; the chunk's length: not in this one
 */
export function endOfElement(chunk: Buffer, from: number, state: ScanState): number {
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

/** @returns the place of the first byte that is no blank, or the chunk's length */
export function blanksEnd(chunk: Buffer, from: number): number {
  let at = from;
  while (at < chunk.length && isBlank(chunk[at] as number)) at += 1;
  return at;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === NEWLINE || byte === RETURN || byte === TAB;
}

/** Whether a file that begins so has a byte-order mark: UTF-8, UTF-16 big- or little-endian. */
export function isMark(byte: number): boolean {
  return byte === 0xef || byte === 0xfe || byte === 0xff;
}

/** A value of JSON, but for `true`, `false` and `null`: words are more likely to be the heading of some table. */
export function beginsJson(byte: number): boolean {
  return byte === OBJECT_BEGIN || byte === QUOTE || byte === MINUS || (byte >= ZERO && byte <= NINE);
}
