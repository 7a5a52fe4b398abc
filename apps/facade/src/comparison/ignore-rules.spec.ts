import { describe, expect, it } from '@jest/globals';
import { IgnoreRules } from './ignore-rules.js';

const rule = (path: string, expires = '2027-01-31') => ({ path, expires, reason: 'known' });
const BEFORE = Date.parse('2027-01-31T23:59:59.999Z');
const AFTER = Date.parse('2027-02-01T00:00:00.000Z');
const remaining = (rules: readonly ReturnType<typeof rule>[], paths: readonly string[], now = BEFORE) =>
  new IgnoreRules(rules)
    .remaining(
      paths.map((path) => ({ path })),
      now,
    )
    .map(({ path }) => path);

describe('the ignore rules', () => {
  it('take out what they name: a field in any order, or at one place', () => {
    const paths = ['createdAt', '7.createdAt', '7.price', '7', 'order', 'answer'];
    expect(remaining([rule('createdAt')], paths)).toEqual(['7.price', '7', 'order', 'answer']);
    expect(remaining([rule('*.createdAt')], paths)).toEqual(['createdAt', '7.price', '7', 'order', 'answer']);
    expect(remaining([rule('7.*'), rule('order')], paths)).toEqual(['createdAt', '7', 'answer']);
    expect(remaining([rule('price.*')], paths)).toEqual(paths);
  });

  it('hold until the end of their last day, and are reported from then on', () => {
    expect(remaining([rule('price')], ['7.price'], BEFORE)).toEqual([]);
    expect(remaining([rule('price')], ['7.price'], AFTER)).toEqual(['7.price']);
    const rules = new IgnoreRules([rule('price'), rule('symbol', '2028-01-01')]);
    expect(rules.expired(BEFORE)).toEqual([]);
    expect(rules.expired(AFTER)).toEqual([rule('price')]);
  });

  it.each([
    ['[', 'is not JSON'],
    ['[]', 'the file '],
    [JSON.stringify({ rules: [{ path: 'price', expires: '2027-01-31' }] }), 'rules.0.reason '],
    [JSON.stringify({ rules: [{ ...rule('price'), expires: '31.1.2027' }] }), 'rules.0.expires '],
    [JSON.stringify({ rules: [{ ...rule('price'), expires: '2027-02-30' }] }), 'rules.0.expires '],
    [JSON.stringify({ rules: [rule('a..b')] }), 'rules.0.path '],
    [JSON.stringify({ rules: [{ ...rule('price'), expired: true }] }), 'rules.0 '],
  ])('are not read from a wrong file: %s', (text, message) => {
    expect(() => IgnoreRules.parse(text)).toThrow(message);
  });
});
