import {
  ARRAY_END,
  beginsJson,
  skipWhitespace,
  COMMA,
  findElementEnd,
  isByteOrderMark,
  ARRAY_BEGIN,
  initialScanState,
  type ScanState,
} from './json-bytes.js';

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
