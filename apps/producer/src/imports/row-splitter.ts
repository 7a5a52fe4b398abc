import {
  ARRAY_END,
  beginsJson,
  blanksEnd,
  COMMA,
  endOfElement,
  isMark,
  ARRAY_BEGIN,
  outside,
  type ScanState,
} from './json-bytes.js';

/** Bytes of a row, at the most: an order has some 300. */
export const MAX_ROW_BYTES = 64 * 1024;
/** Arrays and objects in each other, the row's own included, at the most: an order has 3. */
export const MAX_DEPTH = 32;
/** Bytes of a row that can't be taken which are kept to be shown. */
export const SHOWN_BYTES = 4 * 1024;

/** An element of the array, as it stands in the file. */
export interface RawRow {
  /** Its place in the array, from 0. */
  readonly row: number;
  /** Where its first byte stands in the file. */
  readonly offset: number;
  /** Where reading goes on behind it: `new RowSplitter({ offset: end, row: row + 1 })`. */
  readonly end: number;
  /** All of it; with a `fault` its first bytes. A view of what was pushed, or a copy. */
  readonly bytes: Buffer;
  /** Why it was skipped without being kept. */
  readonly fault?: 'row-too-large' | 'too-deep';
}

/** Why a file as a whole is refused, or why nothing more is read of it: then `rest` is where and how what isn't read begins. */
export type FileFault =
  | { readonly code: 'empty' | 'byte-order-mark' | 'not-json' | 'not-an-array' }
  | { readonly code: 'broken-off' | 'trailing-text'; readonly rest: Pick<RawRow, 'row' | 'offset' | 'bytes'> };

/**
 * `begin`: before the array. `first`: behind its `[`. `next`: behind a comma. `row`: in an element. `between`: at the comma or
 * bracket behind one. `behind`: after the array. `over`: nothing more is read.
 */
type Place = 'begin' | 'first' | 'next' | 'row' | 'between' | 'behind' | 'over';

/**
 * Cuts a JSON array into its elements, as bytes, as they come: memory is one element, whatever the file, and an element over
 * the limits is skipped with only its first bytes kept. Nothing is parsed: an element is what stands between two separators
 * outside of strings and brackets, so that a broken one spoils no other.
 */
export class RowSplitter {
  private place: Place = 'begin';
  private row: number;
  /** Of the first byte of the chunk in hand. */
  private base: number;
  private fault: FileFault | undefined;
  private parts: Buffer[] = [];
  private size = 0;
  private rowOffset = 0;
  private scan: ScanState = outside();

  /** @param from where a reading of the same file left off: `end` and one past `row` of its last element */
  constructor(from: { readonly offset: number; readonly row: number } = { offset: 0, row: 0 }) {
    this.base = from.offset;
    this.row = from.row;
    if (from.row > 0) this.place = 'between';
  }

  /** The elements that end in these bytes, which follow those pushed before. */
  *push(chunk: Buffer): Generator<RawRow> {
    for (let at = 0; at < chunk.length && this.place !== 'over';) {
      if (this.place === 'row') {
        const end = endOfElement(chunk, at, this.scan);
        this.keep(chunk.subarray(at, end));
        at = end;
        if (at < chunk.length) yield this.finish(this.base + at);
      } else {
        at = blanksEnd(chunk, at);
        const byte = chunk[at];
        if (byte !== undefined) at += yield* this.step(byte, chunk, at);
      }
    }
    this.base += chunk.length;
  }

  /** Whether nothing that may follow is looked at any more. */
  get isOver(): boolean {
    return this.place === 'over';
  }

  /** To be asked after the last chunk, or once it `isOver`. @returns `undefined`: the file was an array and nothing else */
  end(): FileFault | undefined {
    if (this.place === 'begin') return { code: 'empty' };
    if (this.place === 'over' || this.place === 'behind') return this.fault;
    const offset = this.place === 'row' ? this.rowOffset : this.base;
    return { code: 'broken-off', rest: { row: this.row, offset, bytes: Buffer.concat(this.parts) } };
  }

  /** Goes by one byte that is no blank and outside of elements. @returns how many bytes are done: 0 where an element begins */
  private *step(byte: number, chunk: Buffer, at: number): Generator<RawRow, number> {
    if (this.place === 'begin') this.begin(byte, at);
    else if (this.place === 'between') this.place = byte === COMMA ? 'next' : 'behind';
    else if (this.place === 'first' && byte === ARRAY_END) this.place = 'behind';
    else if (this.place === 'behind')
      this.stop({ code: 'trailing-text', rest: { row: this.row, offset: this.base + at, bytes: shown(chunk, at) } });
    else {
      this.open(this.base + at);
      // Nothing stands where an element should: that is no JSON, and a row of its own to be told of.
      if (byte === COMMA || byte === ARRAY_END) yield this.finish(this.base + at);
      return 0;
    }
    return 1;
  }

  private begin(byte: number, at: number): void {
    if (byte === ARRAY_BEGIN) this.place = 'first';
    else if (this.base + at === 0 && isMark(byte)) this.stop({ code: 'byte-order-mark' });
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
    this.scan = outside();
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
