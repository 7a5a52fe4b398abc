import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { PageLayout } from './numbered-pages.js';
import { PageTokens, type Cursor, type TokenScope } from './cursor-pages.js';
import { pageTokenSecret } from '../settings-schema.js';

const layouts = fc.record({
  from: fc.integer({ min: 1, max: 50 }),
  count: fc.integer({ min: 1, max: 60 }),
  size: fc.integer({ min: 1, max: 10 }),
  descending: fc.boolean(),
});

describe('the page layout of order numbers', () => {
  it('puts each number on exactly one page, in order', () => {
    fc.assert(
      fc.property(layouts, ({ from, count, size, descending }) => {
        const to = from + count - 1;
        const layout = new PageLayout({ from, to }, size, descending);
        const visited: number[] = [];
        for (let page = 1; layout.numbersOf(page) !== undefined; page += 1) {
          const numbers = layout.numbersOf(page) ?? { from: 0, to: -1 };
          const onPage = Array.from({ length: numbers.to - numbers.from + 1 }, (_, at) => numbers.from + at);
          expect(onPage.map((number) => layout.pageOf(number))).toEqual(onPage.map(() => page));
          visited.push(...(descending ? onPage.toReversed() : onPage));
        }
        const all = Array.from({ length: count }, (_, at) => (descending ? to - at : from + at));
        expect(visited).toEqual(all);
        expect(layout.pageOf(layout.end)).toBe(Math.ceil(count / size));
      }),
    );
  });

  it('links back from any page beyond the end to the last number', () => {
    for (const descending of [false, true]) {
      const layout = new PageLayout({ from: 3, to: 12 }, 5, descending);
      for (const page of [3, 4, Number.MAX_SAFE_INTEGER]) {
        expect(layout.numbersOf(page)).toBeUndefined();
        expect(layout.beforeStartOf(page)).toBe(layout.end);
      }
    }
  });

  it('has no page if there are no numbers', () => {
    expect(new PageLayout({ from: 1, to: 0 }, 5, false).numbersOf(1)).toBeUndefined();
  });
});

const SECRET = 'a secret of thirty-two characters';
const tokens = new PageTokens(SECRET);
const SCOPE: TokenScope = { path: '/v1/orders?', caller: null };
const CURSOR: Cursor = { direction: 'next', position: { value: 4_711, number: 4_711 } };

describe('a page token', () => {
  it.each<['number' | 'createdAt' | 'amount', Cursor]>([
    ['number', CURSOR],
    ['createdAt', { direction: 'prev', position: { value: new Date('2026-01-31T12:00:00.123Z'), number: 5 } }],
    ['createdAt', { direction: 'prev', position: { value: new Date(5), number: 5 } }],
    ['amount', { direction: 'next', position: { value: 10n ** 22n - 1n, number: Number.MAX_SAFE_INTEGER } }],
    ['amount', { direction: 'next', position: { value: 7n, number: 7 } }],
  ])('of orders sorted by %s opens to the sealed cursor', (sort, cursor) => {
    expect(tokens.open(tokens.seal(cursor, SCOPE), sort, SCOPE)).toEqual(cursor);
  });

  it('is rejected with any single character changed, added or removed', () => {
    const token = tokens.seal(CURSOR, SCOPE);
    const changed = Array.from(
      token,
      (char, at) => token.slice(0, at) + (char === 'A' ? 'B' : 'A') + token.slice(at + 1),
    );
    for (const forged of [...changed, `${token}A`, `${token}=`, ` ${token}`, token.slice(1), '', 'x', '../../etc'])
      expect(() => tokens.open(forged, 'number', SCOPE)).toThrow(
        'pageToken is not a token of this order query: start again at its first page.',
      );
  });

  it('is rejected for another order query and for another caller', () => {
    const token = tokens.seal(CURSOR, { ...SCOPE, caller: 'ada' });
    for (const scope of [
      { path: '/v1/orders/range?from=1&to=9&', caller: 'ada' },
      { ...SCOPE, caller: 'bob' },
      { ...SCOPE, caller: null },
    ])
      expect(() => tokens.open(token, 'number', scope)).toThrow('pageToken');
  });

  it('is rejected if an unknown secret sealed it, and opens while that secret is listed as a previous one', () => {
    const token = new PageTokens('another secret of 32 characters!!').seal(CURSOR, SCOPE);
    expect(() => tokens.open(token, 'number', SCOPE)).toThrow('pageToken');
    const rotated = new PageTokens(SECRET, ['another secret of 32 characters!!']);
    expect(rotated.open(token, 'number', SCOPE)).toEqual(CURSOR);
    expect(tokens.open(rotated.seal(CURSOR, SCOPE), 'number', SCOPE)).toEqual(CURSOR);
  });
});

const AUTH_ISSUER = 'https://issuer.example';
const PRODUCTION = { NODE_ENV: 'production' };

describe('the secret of page tokens', () => {
  it('is the setting', () => {
    expect(pageTokenSecret({ AUTH_ISSUER, PAGE_TOKEN_SECRET: 'given' }, PRODUCTION)).toBe('given');
  });

  it('is random without the setting, for development', () => {
    const secret = pageTokenSecret({ AUTH_ISSUER }, {});
    expect(secret).toMatch(/^[\da-f]{64}$/);
    expect(pageTokenSecret({}, PRODUCTION)).not.toBe(secret);
  });

  it('is required in production: instances must accept each other’s tokens', () => {
    expect(() => pageTokenSecret({ AUTH_ISSUER }, PRODUCTION)).toThrow(/^PAGE_TOKEN_SECRET: must be set/);
  });
});
