import { describe, expect, it } from '@jest/globals';
import { isWellEncoded, parseQuery } from './query-string.js';

/** Parses to plain objects, since the parsed parameters have no prototype. */
function parsed(query: string): unknown {
  return JSON.parse(JSON.stringify(parseQuery(query)));
}

describe('query string', () => {
  it.each<[string, unknown]>([
    ['', {}],
    ['&&', {}],
    ['page=1&pageSize=10', { page: '1', pageSize: '10' }],
    ['symbol=A+B%20C', { symbol: 'A B C' }],
    ['a', { a: '' }],
    ['a=b=c', { a: 'b=c' }],
    ['number[gte]=1&number[lt]=9', { number: { gte: '1', lt: '9' } }],
    ['number%5Bgte%5D=1', { number: { gte: '1' } }],
  ])('%s is parsed to %j', (query, parameters) => {
    expect(parsed(query)).toEqual(parameters);
  });

  it('gives all values of a repeated parameter, so that none is dropped', () => {
    expect(parsed('page=1&page=2&page=3')).toEqual({ page: ['1', '2', '3'] });
    expect(parsed('number[gte]=1&number[gte]=2')).toEqual({ number: { gte: ['1', '2'] } });
    expect(parsed('number=1&number[gte]=2')).toEqual({ number: ['1', '2'] });
    expect(parsed('number[gte]=2&number=1')).toEqual({ number: [{ gte: '2' }, '1'] });
  });

  it('keeps every name and treats none specially', () => {
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'a[b][c]', 'a[]', '[a]', 'a]b[']) {
      const parameters = parseQuery(`${encodeURIComponent(name)}=x`);
      expect(Object.keys(parameters)).toEqual([name]);
      expect(parameters[name]).toBe('x');
    }
    expect(Object.keys(parseQuery('a[__proto__]=x')['a'] as object)).toEqual(['__proto__']);
    expect({}).not.toHaveProperty('x');
  });

  it('is well encoded only as percent-encoded UTF-8', () => {
    for (const bad of ['a=%ff', '%c0%af=1', 'a=%', 'a=%zz', 'a=1&b=%e2%82']) expect(isWellEncoded(bad)).toBe(false);
    for (const good of ['', 'a=%E2%82%AC', 'a[b]=1&c=+', 'a=%00']) expect(isWellEncoded(good)).toBe(true);
  });
});
