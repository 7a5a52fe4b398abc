import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Decimal128 } from 'mongodb';
import { formatMoney, moneyFromDecimal128, moneyToDecimal128, parseMoney } from './money.js';

describe('money', () => {
  it('is formatted as a plain string with four decimals', () => {
    expect([0n, 1n, 123_400n, -5n, 10n ** 22n - 1n].map(formatMoney)).toEqual([
      '0.0000',
      '0.0001',
      '12.3400',
      '-0.0005',
      '999999999999999999.9999',
    ]);
  });

  it.each(['', '1e3', '12,50', 'NaN', '1.23456', ' 1', '+1', '.5', '1.', '0x10', '1e308'])(
    'is not parsed from "%s"',
    (text) => {
      expect(() => parseMoney(text)).toThrow(RangeError);
    },
  );

  it('round-trips through text and BSON for any amount', () => {
    const amounts = fc.bigInt({ min: -(10n ** 22n), max: 10n ** 22n });
    const property = fc.property(amounts, (money) => {
      expect(parseMoney(formatMoney(money))).toBe(money);
      expect(moneyFromDecimal128(moneyToDecimal128(money))).toBe(money);
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it.each([
    ['12.34', 123_400n],
    ['-0.0001', -1n],
    ['7', 70_000n],
    ['0.0010', 10n],
  ])('is read from %s, in whatever scale MongoDB has it', (text, money) => {
    expect(moneyFromDecimal128(Decimal128.fromString(text))).toBe(money);
  });

  it.each(['NaN', 'Infinity', '-Infinity', '0.00001', '1E+40'])('is not read from %s', (text) => {
    expect(() => moneyFromDecimal128(Decimal128.fromString(text))).toThrow(RangeError);
  });

  it('has the same bits as a Decimal128 that the driver parses from text', () => {
    for (const text of ['0.0000', '0.0001', '12.3400', '999999999999999999.9999', '-7.5000'])
      expect(moneyToDecimal128(parseMoney(text)).bytes).toEqual(Decimal128.fromString(text).bytes);
  });
});
