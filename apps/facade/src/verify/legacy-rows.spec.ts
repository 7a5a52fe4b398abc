import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { comparable } from '#legacy/translation/comparable.js';
import { legacyRows } from './legacy-rows.js';

describe('the rows of an answer of the legacy system', () => {
  it('are the same whether the quick or the strict parser reads them', () => {
    const numberText = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.constantFrom('12.50', '1e308', '9007199254740993', '-0', '0.30000000000000004', '1E2', '10.0'),
    );
    const text = fc.oneof(
      numberText,
      fc.string().map((each) => JSON.stringify(each)),
      fc.constantFrom('null', '{}'),
    );
    const row = fc.dictionary(fc.string(), text).map(
      (fields) =>
        `{${Object.entries(fields)
          .map(([name, each]) => `${JSON.stringify(name)}:${each}`)
          .join(',')}}`,
    );
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const body = `[${rows.join(',\n')}]`;
        const strict = (parseStrictJson(body) as { value: unknown[] }).value;
        expect(legacyRows(body).comparable).toEqual(strict.map(comparable));
        expect(legacyRows(body).strict()).toEqual(strict);
      }),
    );
  });

  it.each([
    ['<html>', 'unreadable-page'],
    ['[{"id": 1', 'unreadable-page'],
    ['{"items": []}', 'unreadable-page'],
    ['null', 'unreadable-page'],
    ['[{"a":1,"a":1}]', 'unreadable-page'],
  ])('rejects %s', (body, code) => {
    expect(() => legacyRows(body)).toThrow(expect.objectContaining({ code }));
  });
});
