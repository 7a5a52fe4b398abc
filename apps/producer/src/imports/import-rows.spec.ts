import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { idOf } from '#orders/testing/an-order.js';
import {
  type FileFault,
  MAX_DEPTH,
  MAX_ROW_BYTES,
  parseRow,
  type RawRow,
  RowSplitter,
  SHOWN_BYTES,
} from './import-rows.js';

interface Split {
  readonly rows: readonly (Omit<RawRow, 'bytes'> & { readonly text: string })[];
  readonly fault: FileFault | undefined;
}

/** Splits a file that arrives in chunks of these sizes, in turn. */
function split(file: string | Buffer, sizes: readonly number[] = [], from = { offset: 0, row: 0 }): Split {
  const bytes = Buffer.from(file);
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
  return split(file).rows.map(({ text }) => text.trim());
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
        const { rows: found, fault } = split(file, sizes);
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
    const file = ' [ {"a": [1, "]"]} , 2 , "\\",[" ,, null ] ';
    const whole = split(file);
    expect(whole.rows.length).toBe(5);
    for (const [at, { end, row }] of whole.rows.entries()) {
      const rest = split(file, [3], { offset: end, row: row + 1 });
      expect(rest).toEqual({ rows: whole.rows.slice(at + 1), fault: undefined });
    }
  });

  it('returns the offset of each row, in bytes', () => {
    const { rows } = split('[ {"id": "é"} ,\n  2]');
    expect(rows.map(({ offset, text }) => [offset, text])).toEqual([
      [2, '{"id": "é"} '],
      [19, '2'],
    ]);
  });

  it('isolates a malformed row from the others', () => {
    expect(texts('[{"a": NaN}, {"b"}, 1 2, }, , "x"]')).toEqual(['{"a": NaN}', '{"b"}', '1 2', '}', '', '"x"']);
  });

  it('skips a row over the limits, and keeps its first bytes', () => {
    const long = `"${'x'.repeat(MAX_ROW_BYTES)}"`;
    const deep = '['.repeat(MAX_DEPTH + 1) + ']'.repeat(MAX_DEPTH + 1);
    for (const sizes of [[], [1_000], [999, 70_000]]) {
      const { rows } = split(`[1, ${long}, 2, ${deep}, 3]`, sizes);
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
    expect(split(file).fault?.code).toBe(code);
  });

  it('keeps the rows before a fault, and returns where the rest begins', () => {
    const { rows, fault } = split('[1, 2, {"id": "ab', [4]);
    expect(rows.map(({ text }) => text)).toEqual(['1', '2']);
    expect(fault).toMatchObject({ code: 'broken-off', rest: { row: 2, offset: 7, bytes: Buffer.from('{"id": "ab') } });
    const trailing = split('[1] ;rest');
    expect(trailing.fault).toMatchObject({ code: 'trailing-text', rest: { row: 1, offset: 4 } });
  });
});

function parse(row: string | Buffer) {
  return parseRow({ bytes: Buffer.from(row) });
}

describe('a row of a legacy file', () => {
  const id = `"id": "${idOf(1)}"`;

  it('is parsed without rounding its numbers', () => {
    const parsed = parse(`{${id}, "number": 9007199254740991, "price": 0.1}`);
    expect(parsed).toMatchObject({ order: { id: idOf(1), price: 1_000n, legacy: { number: 2 ** 53 - 1 } } });
  });

  it.each<[string, string | Buffer, reason: { code: string; field?: string }]>([
    ['text that is not JSON', `{${id}, number: 1}`, { code: 'not-json' }],
    ['NaN', `{${id}, "number": 1, "amount": NaN}`, { code: 'not-json' }],
    ['an empty row', '', { code: 'not-json' }],
    ['two values', '1 2', { code: 'not-json' }],
    ['a number with a leading zero', `{${id}, "number": 01}`, { code: 'not-json' }],
    ['a byte-order mark', '\uFEFF{}', { code: 'not-json' }],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), { code: 'not-utf-8' }],
    ['a duplicate key', `{${id}, "number": 1, "number": 2}`, { code: 'duplicate-key', field: 'number' }],
    [
      'a duplicate key with the same value',
      `{${id}, "number": 1, "number": 1}`,
      { code: 'duplicate-key', field: 'number' },
    ],
    ['a duplicate key, once escaped', `{"number": 1, "n\\u0075mber": 1}`, { code: 'duplicate-key', field: 'number' }],
    [
      'a duplicate key in a nested object',
      `{"legacy": {"filled": [], "filled": []}, "number": 1}`,
      { code: 'duplicate-key', field: 'filled' },
    ],
    ['__proto__', `{${id}, "number": 1, "__proto__": {"side": "buy"}}`, { code: 'unknown-field', field: '__proto__' }],
    ['a number beyond 2^53', `{${id}, "number": 9007199254740993}`, { code: 'unsafe-number', field: 'number' }],
    ['an array', '[]', { code: 'not-an-object' }],
    ['a number', '1', { code: 'not-an-object' }],
    ['null', 'null', { code: 'not-an-object' }],
  ])('is rejected for %s', (_, row, reason) => {
    expect(parse(row)).toMatchObject({ reason });
  });

  it('may have the same key in different objects', () => {
    const row = `{${id}, "number": 7, "legacy": {"number": 1, "filled": []}, "symbol": "\\"number\\": 1, {"}`;
    expect(parse(row)).toMatchObject({ order: { legacy: { number: 1 } } });
  });

  it('reports the fault found by the splitter', () => {
    const row = { bytes: Buffer.from('{'), fault: 'row-too-large' } as const;
    expect(parseRow(row)).toMatchObject({ reason: { code: 'row-too-large' } });
  });

  it('never makes the parser throw, for any bytes', () => {
    const json = fc.json().map((value) => Buffer.from(value));
    const property = fc.property(fc.oneof(fc.uint8Array(), json), (bytes) => {
      expect(parse(Buffer.from(bytes))).toHaveProperty('reason.code');
    });
    fc.assert(property, { numRuns: 500 });
  });
});
