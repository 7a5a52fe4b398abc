import { describe, expect, it } from '@jest/globals';
import { PageTokens } from './page-token.js';

const tokens = new PageTokens('a secret of thirty-two characters');
const SCOPE = '/v1/orders?';
const CURSOR = { direction: 'next', number: 4_711 } as const;

describe('a page token', () => {
  it('opens to the cursor that was sealed', () => {
    expect(tokens.open(tokens.seal(CURSOR, SCOPE), SCOPE)).toEqual(CURSOR);
  });

  it('is refused with any one character changed, added or taken away', () => {
    const token = tokens.seal(CURSOR, SCOPE);
    const changed = Array.from(
      token,
      (char, at) => token.slice(0, at) + (char === 'A' ? 'B' : 'A') + token.slice(at + 1),
    );
    for (const forged of [...changed, `${token}A`, `${token}=`, ` ${token}`, token.slice(1), '', 'x', '../../etc'])
      expect(() => tokens.open(forged, SCOPE)).toThrow('Wrong or missing: pageToken.');
  });

  it('is refused for another question', () => {
    expect(() => tokens.open(tokens.seal(CURSOR, SCOPE), '/v1/orders/range?from=1&to=9&')).toThrow('pageToken');
  });

  it('is refused when another secret sealed it', () => {
    const other = new PageTokens('another secret of 32 characters!!');
    expect(() => tokens.open(other.seal(CURSOR, SCOPE), SCOPE)).toThrow('pageToken');
  });
});
