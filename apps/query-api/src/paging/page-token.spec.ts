import { describe, expect, it } from '@jest/globals';
import { PageTokens, type Cursor, type TokenScope } from './page-token.js';

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
