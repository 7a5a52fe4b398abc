import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { MAX_DEPTH, MAX_ROW_BYTES, RowSplitter, SHOWN_BYTES, type FileFault, type RawRow } from './row-splitter.js';

interface Split {
  readonly rows: readonly (Omit<RawRow, 'bytes'> & { readonly text: string })[];
  readonly fault: FileFault | undefined;
}

function split(bytes: Buffer, sizes: readonly number[] = [], from = { offset: 0, row: 0 }): Split {
  const splitter = new RowSplitter(from);
  const rows: Split['rows'][number][] = [];
  let at = from.offset;
  for (let turn = 0; at < bytes.length && !splitter.isOver; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    for (const { bytes: raw, ...row } of splitter.push(bytes.subarray(at, at + size)))
      rows.push({ ...row, text: raw.toString() });
    at += size;
  }
  return { rows, fault: splitter.end() };
}

function texts(file: string): string[] {
  return split(Buffer.from(file)).rows.map(({ text }) => text.trim());
}

function faultOf(file: string | Buffer): string | undefined {
  return split(Buffer.from(file)).fault?.code;
}

const chunkSizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });

describe('RowSplitter', () => {
  it('returns the elements of any array, for any chunk sizes', () => {
    const property = fc.property(
      fc.array(fc.jsonValue()),
      fc.constantFrom('', ' ', '\n\t'),
      chunkSizes,
      (rows, gap, sizes) => {
        const file = `${gap}[${rows.map((row) => gap + JSON.stringify(row, null, gap) + gap).join(',')}]${gap}`;
        const { rows: found, fault } = split(Buffer.from(file), sizes);
        expect(fault).toBeUndefined();
        expect(found.map(({ text }) => JSON.parse(text) as unknown)).toEqual(JSON.parse(file));
        expect(found.map(({ row }) => row)).toEqual(rows.map((_, at) => at));
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  it('returns the same result for any bytes, for any chunk sizes', () => {
    const soup = fc
      .array(fc.constantFrom('[', ']', '{', '}', ',', ':', '"', '\\', ' ', 'a', '1', 'é'), { maxLength: 40 })
      .map((parts) => Buffer.from(`[${parts.join('')}`));
    fc.assert(
      fc.property(soup, chunkSizes, (file, sizes) => {
        expect(split(file, sizes).rows).toEqual(split(file).rows);
        expect(split(file, sizes).fault?.code).toEqual(split(file).fault?.code);
      }),
      { numRuns: 2_000 },
    );
  });

  it('resumes after any row with the same result', () => {
    const file = Buffer.from(' [ {"a": [1, "]"]} , 2 , "\\",[" ,, null ] ');
    const whole = split(file);
    expect(whole.rows.length).toBe(5);
    for (const [at, { end, row }] of whole.rows.entries()) {
      const rest = split(file, [3], { offset: end, row: row + 1 });
      expect(rest).toEqual({ rows: whole.rows.slice(at + 1), fault: undefined });
    }
  });

  it('returns the offset of each row', () => {
    const file = '[ {"id": "é"} ,\n  2]';
    const at = split(Buffer.from(file)).rows.map(({ offset, text }) => [
      offset,
      Buffer.from(file)
        .subarray(offset, offset + 1)
        .toString(),
      text,
    ]);
    expect(at).toEqual([
      [2, '{', '{"id": "é"} '],
      [19, '2', '2'],
    ]);
  });

  it('isolates a malformed row from the others', () => {
    expect(texts('[{"a": NaN}, {"b"}, 1 2, }, , "x"]')).toEqual(['{"a": NaN}', '{"b"}', '1 2', '}', '', '"x"']);
  });

  it('skips a row over the limits, and keeps its first bytes', () => {
    const long = `"${'x'.repeat(MAX_ROW_BYTES)}"`;
    const deep = '['.repeat(MAX_DEPTH + 1) + ']'.repeat(MAX_DEPTH + 1);
    for (const sizes of [[], [1_000], [999, 70_000]]) {
      const { rows } = split(Buffer.from(`[1, ${long}, 2, ${deep}, 3]`), sizes);
      expect(rows.map(({ fault, text }) => fault ?? text.trim())).toEqual(['1', 'row-too-large', '2', 'too-deep', '3']);
      expect(rows[1]?.text).toBe(long.slice(0, SHOWN_BYTES));
    }
  });

  it('accepts a row exactly at the limits', () => {
    const long = `"${'x'.repeat(MAX_ROW_BYTES - 2)}"`;
    const deep = '['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH);
    expect(texts(`[${long},${deep}]`)).toEqual([long, deep]);
  });

  it.each<[string, string | Buffer, string | undefined]>([
    ['an empty file', '', 'empty'],
    ['whitespace', ' \r\n\t', 'empty'],
    ['a byte-order mark of UTF-8', '\uFEFF[]', 'byte-order-mark'],
    ['a byte-order mark of UTF-16', Buffer.from('\uFEFF[]', 'utf16le'), 'byte-order-mark'],
    ['an object', '{"id": 1}', 'not-an-array'],
    ['a string', '"[]"', 'not-an-array'],
    ['a CSV file', 'id,number\n1,2', 'not-json'],
    ['a truncated array', '[1, 2', 'broken-off'],
    ['an array truncated after a comma', '[1,', 'broken-off'],
    ['an array truncated in a string', '[1, "]', 'broken-off'],
    ['text after the array', '[1] [2]', 'trailing-text'],
    ['an empty array', ' [ ] ', undefined],
  ])('reports the fault of %s', (_, file, code) => {
    expect(faultOf(file)).toBe(code);
  });

  it('keeps the rows before a fault, and returns where the rest begins', () => {
    const { rows, fault } = split(Buffer.from('[1, 2, {"id": "ab'), [4]);
    expect(rows.map(({ text }) => text)).toEqual(['1', '2']);
    expect(fault).toMatchObject({ code: 'broken-off', rest: { row: 2, offset: 7, bytes: Buffer.from('{"id": "ab') } });
    const trailing = split(Buffer.from('[1] ;rest'));
    expect(trailing.fault).toMatchObject({ code: 'trailing-text', rest: { row: 1, offset: 4 } });
  });
});
