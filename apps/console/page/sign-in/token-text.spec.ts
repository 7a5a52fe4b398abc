import { describe, expect, it } from '@jest/globals';
import { readToken } from './token-text.js';

describe('a pasted token', () => {
  it.each([
    'a.b-c.d_e',
    ' a.b-c.d_e\n',
    'Bearer a.b-c.d_e',
    'Authorization: Bearer a.b-c.d_e',
    '"a.b-c.d_e"',
    'a.b-c.\nd_e',
  ])('%j is read without what a copy adds', (text) => {
    expect(readToken(text)).toEqual({ token: 'a.b-c.d_e' });
  });

  it('is refused when there is none, or not all of it', () => {
    expect(['', '  ', 'Bearer '].map((text) => readToken(text).fault)).toEqual(
      Array.from({ length: 3 }, () => 'Paste an access token into the field first.'),
    );
    for (const text of ['a.b', 'secret', 'a.b.c.d', 'a.b.ü'])
      expect(readToken(text).fault).toMatch(/three parts, separated by dots/);
  });
});
