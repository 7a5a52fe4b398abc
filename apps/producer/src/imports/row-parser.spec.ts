import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parseRow } from './row-parser.js';

const ID = '01935c9e-8a00-4000-8000-000000000001';

function findReason(text: string | Buffer): { code: string; field?: string } | undefined {
  const parsed = parseRow({ bytes: Buffer.from(text) });
  return 'reason' in parsed ? parsed.reason : undefined;
}

describe('a row of a legacy file', () => {
  it('is parsed without rounding its numbers', () => {
    const parsed = parseRow({ bytes: Buffer.from(`{"id": "${ID}", "number": 9007199254740991, "price": 0.1}`) });
    expect(parsed).toMatchObject({ order: { id: ID, price: 1_000n, legacy: { number: 2 ** 53 - 1 } } });
  });

  it.each<[string, string | Buffer, string, string | undefined]>([
    ['text that is not JSON', `{"id": "${ID}", number: 1}`, 'not-json', undefined],
    ['NaN', `{"id": "${ID}", "number": 1, "amount": NaN}`, 'not-json', undefined],
    ['an empty row', '', 'not-json', undefined],
    ['two values', '1 2', 'not-json', undefined],
    ['a number with a leading zero', `{"id": "${ID}", "number": 01}`, 'not-json', undefined],
    ['a byte-order mark', '\uFEFF{}', 'not-json', undefined],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'not-utf-8', undefined],
    ['a duplicate key', `{"id": "${ID}", "number": 1, "number": 2}`, 'duplicate-key', 'number'],
    ['a duplicate key with the same value', `{"id": "${ID}", "number": 1, "number": 1}`, 'duplicate-key', 'number'],
    ['a duplicate key, once escaped', `{"number": 1, "n\\u0075mber": 1}`, 'duplicate-key', 'number'],
    [
      'a duplicate key in a nested object',
      `{"legacy": {"filled": [], "filled": []}, "number": 1}`,
      'duplicate-key',
      'filled',
    ],
    ['__proto__', `{"id": "${ID}", "number": 1, "__proto__": {"side": "buy"}}`, 'unknown-field', '__proto__'],
    ['a number beyond 2^53', `{"id": "${ID}", "number": 9007199254740993}`, 'unsafe-number', 'number'],
    ['an array', '[]', 'not-an-object', undefined],
    ['a number', '1', 'not-an-object', undefined],
    ['null', 'null', 'not-an-object', undefined],
  ])('is rejected for %s', (_, text, code, field) => {
    expect(findReason(text)).toMatchObject({ code, ...(field !== undefined && { field }) });
  });

  it('may have the same key in different objects', () => {
    const row = `{"id": "${ID}", "number": 7, "legacy": {"number": 1, "filled": []}, "symbol": "\\"number\\": 1, {"}`;
    expect(parseRow({ bytes: Buffer.from(row) })).toMatchObject({ order: { legacy: { number: 1 } } });
  });

  it('reports the fault found by the splitter', () => {
    expect(parseRow({ bytes: Buffer.from('{'), fault: 'row-too-large' })).toMatchObject({
      reason: { code: 'row-too-large' },
    });
  });

  it('never makes the parser throw, for any bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(parseRow({ bytes: Buffer.from(bytes) })).toHaveProperty('reason.code');
        },
      ),
      { numRuns: 500 },
    );
  });
});
