import { isUtf8 } from 'node:buffer';
import { type JsonFault, parseStrictJson } from '#legacy/json/strict-json.js';
import type { LegacyCode } from '#legacy/row/legacy-fields.js';
import { legacyOrder, type LegacyReason } from '#legacy/row/legacy-order.js';
import type { LegacyOrder } from '#orders/order/order.js';

/** Maximum size of a row in bytes; an order has about 300. */
export const MAX_ROW_BYTES = 64 * 1024;
/** Maximum nesting of arrays and objects, including the row's own; an order has 3. */
export const MAX_DEPTH = 32;
/** Number of bytes kept of a rejected row, to show them. */
export const SHOWN_BYTES = 4 * 1024;

/** An unparsed element of the array. */
export interface RawRow {
  /** Index in the array, from 0. */
  readonly row: number;
  /** Offset of its first byte in the file. */
  readonly offset: number;
  /** Offset to resume at after this row: `new RowSplitter({ offset: end, row: row + 1 })`. */
  readonly end: number;
  /** The whole row, or its first bytes if there is a `fault`. Either a view of a pushed chunk or a copy. */
  readonly bytes: Buffer;
  /** Why the row was skipped. */
  readonly fault?: 'row-too-large' | 'too-deep';
}

/** Why a whole file is rejected, or why its rest is not read; `rest` is the position and the first bytes of that rest. */
export type FileFault =
  | { readonly code: 'empty' | 'byte-order-mark' | 'not-json' | 'not-an-array' }
  | { readonly code: 'broken-off' | 'trailing-text'; readonly rest: Pick<RawRow, 'row' | 'offset' | 'bytes'> };

/**
 * The parser state. `begin`: before the array. `first`: after its `[`. `next`: after a comma. `row`: in an element. `between`: at the
 * comma or bracket after an element. `after`: after the array. `over`: nothing more is read.
 */
type Place = 'begin' | 'first' | 'next' | 'row' | 'between' | 'after' | 'over';

/**
 * Splits a streamed JSON array into its elements, as bytes. Memory is bounded by one element, and an element over the limits is
 * skipped with only its first bytes kept. Elements are not parsed: an element is the text between two separators outside of strings
 * and brackets, so a malformed element does not affect the others.
 */
export class RowSplitter {
  private place: Place = 'begin';
  private row: number;
  /** Offset of the first byte of the current chunk. */
  private base: number;
  private fault: FileFault | undefined;
  private parts: Buffer[] = [];
  private size = 0;
  private rowOffset = 0;
  private scan: ScanState = initialScanState();

  /** @param from where to resume in the same file: `end` of the last element, and its `row` + 1 */
  constructor(from: { readonly offset: number; readonly row: number } = { offset: 0, row: 0 }) {
    this.base = from.offset;
    this.row = from.row;
    if (from.row > 0) this.place = 'between';
  }

  /** Takes the next chunk of the file, and yields the elements that end in it. */
  *push(chunk: Buffer): Generator<RawRow> {
    for (let at = 0; at < chunk.length && this.place !== 'over';) {
      if (this.place === 'row') {
        const end = findElementEnd(chunk, at, this.scan);
        this.keep(chunk.subarray(at, end));
        at = end;
        if (at < chunk.length) yield this.finish(this.base + at);
      } else {
        at = skipWhitespace(chunk, at);
        const byte = chunk[at];
        if (byte !== undefined) at += yield* this.step(byte, chunk, at);
      }
    }
    this.base += chunk.length;
  }

  /** Whether the rest of the file is ignored. */
  get isOver(): boolean {
    return this.place === 'over';
  }

  /** Call it after the last chunk, or once `isOver`. @returns the fault; `undefined` if the file is exactly one array */
  end(): FileFault | undefined {
    if (this.place === 'begin') return { code: 'empty' };
    if (this.place === 'over' || this.place === 'after') return this.fault;
    const offset = this.place === 'row' ? this.rowOffset : this.base;
    return { code: 'broken-off', rest: { row: this.row, offset, bytes: Buffer.concat(this.parts) } };
  }

  /** Handles one byte outside of elements that is not whitespace. @returns the number of consumed bytes: 0 if an element begins */
  private *step(byte: number, chunk: Buffer, at: number): Generator<RawRow, number> {
    if (this.place === 'begin') this.begin(byte, at);
    else if (this.place === 'between') this.place = byte === COMMA ? 'next' : 'after';
    else if (this.place === 'first' && byte === ARRAY_END) this.place = 'after';
    else if (this.place === 'after')
      this.stop({ code: 'trailing-text', rest: { row: this.row, offset: this.base + at, bytes: shown(chunk, at) } });
    else {
      this.open(this.base + at);
      // The element is missing. That is not valid JSON, so it is reported as a row of its own.
      if (byte === COMMA || byte === ARRAY_END) yield this.finish(this.base + at);
      return 0;
    }
    return 1;
  }

  private begin(byte: number, at: number): void {
    if (byte === ARRAY_BEGIN) this.place = 'first';
    else if (this.base + at === 0 && isByteOrderMark(byte)) this.stop({ code: 'byte-order-mark' });
    else this.stop({ code: beginsJson(byte) ? 'not-an-array' : 'not-json' });
  }

  private stop(fault: FileFault): void {
    this.fault = fault;
    this.place = 'over';
  }

  private open(offset: number): void {
    this.place = 'row';
    this.rowOffset = offset;
    this.parts = [];
    this.size = 0;
    this.scan = initialScanState();
  }

  private finish(end: number): RawRow {
    this.place = 'between';
    const bytes = this.parts.length === 1 ? (this.parts[0] as Buffer) : Buffer.concat(this.parts);
    const found = { row: this.row, offset: this.rowOffset, end };
    const fault =
      this.size > MAX_ROW_BYTES ? 'row-too-large' : this.scan.deepest > MAX_DEPTH ? ('too-deep' as const) : undefined;
    this.row += 1;
    this.parts = [];
    return fault === undefined ? { ...found, bytes } : { ...found, bytes: shown(bytes), fault };
  }

  private keep(bytes: Buffer): void {
    this.size += bytes.length;
    if (this.size <= MAX_ROW_BYTES) this.parts.push(bytes);
    else if (this.parts.length !== 1 || this.parts[0]?.length !== SHOWN_BYTES)
      this.parts = [Buffer.from(shown(Buffer.concat([...this.parts, shown(bytes)])))];
  }
}

function shown(bytes: Buffer, from = 0): Buffer {
  return bytes.subarray(from, from + SHOWN_BYTES);
}

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const ARRAY_BEGIN = 0x5b;
const BACKSLASH = 0x5c;
const ARRAY_END = 0x5d;
const OBJECT_BEGIN = 0x7b;
const OBJECT_END = 0x7d;

/** The state of scanning an array element. */
interface ScanState {
  /** Number of open brackets and braces. */
  depth: number;
  /** Maximum depth so far. */
  deepest: number;
  inString: boolean;
  /** The previous byte was a backslash. */
  isEscaped: boolean;
}

function initialScanState(): ScanState {
  return { depth: 0, deepest: 0, inString: false, isEscaped: false };
}

/**
 * Finds the comma or bracket after an element: the first one outside of strings, brackets and braces. This is the hot loop of an
 * import: it scans every byte, so it keeps the state in local variables.
 * @param state the scan state; updated in place
 * @returns the index of the separator in the chunk, or the chunk's length if it is not in this chunk
 */
function findElementEnd(chunk: Buffer, from: number, state: ScanState): number {
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
function skipWhitespace(chunk: Buffer, from: number): number {
  let at = from;
  while (at < chunk.length && isWhitespace(chunk[at] as number)) at += 1;
  return at;
}

function isWhitespace(byte: number): boolean {
  return byte === SPACE || byte === NEWLINE || byte === RETURN || byte === TAB;
}

/** Whether the first byte belongs to a byte-order mark: UTF-8, UTF-16 big- or little-endian. */
function isByteOrderMark(byte: number): boolean {
  return byte === 0xef || byte === 0xfe || byte === 0xff;
}

/** Whether a JSON value begins with this byte, except `true`, `false` and `null`: a word is more likely the header of a CSV file. */
function beginsJson(byte: number): boolean {
  return byte === OBJECT_BEGIN || byte === QUOTE || byte === MINUS || (byte >= ZERO && byte <= NINE);
}

/** The stable code of the reason why a row was rejected. */
export type RowCode = LegacyCode | NonNullable<RawRow['fault']> | JsonFault['code'] | 'not-utf-8';

interface RowReason extends Omit<LegacyReason, 'code'> {
  readonly code: RowCode;
}

const FAULTS = {
  'row-too-large': `is larger than ${MAX_ROW_BYTES / 1024} KiB; only its first bytes are shown`,
  'too-deep': `has more than ${MAX_DEPTH} levels of nested arrays and objects`,
};

/** Parses one element of a legacy file as an order. Parsing is strict: no value is guessed, rounded or dropped. */
export function parseRow({
  bytes,
  fault,
}: Pick<RawRow, 'bytes' | 'fault'>): { readonly order: LegacyOrder } | { readonly reason: RowReason } {
  if (fault !== undefined) return refused(fault, FAULTS[fault]);
  if (!isUtf8(bytes)) return refused('not-utf-8', 'contains bytes that are not UTF-8; save the file as UTF-8');
  const parsed = parseStrictJson(bytes.toString());
  return 'fault' in parsed ? { reason: parsed.fault } : legacyOrder(parsed.value);
}

function refused(code: RowCode, detail: string): { readonly reason: RowReason } {
  return { reason: { code, detail } };
}
