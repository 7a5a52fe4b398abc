import { describe, expect, it } from '@jest/globals';
import { Decimal128 } from 'mongodb';
import { formatMoney } from '#orders/order/money.js';
import { exactSum } from './exact-sum.js';

describe('a sum of amounts', () => {
  it.each([
    ['18735.0000', '18735.0000'],
    ['0.0001', '0.0001'],
    ['12.5', '12.5000'],
    ['7', '7.0000'],
    ['1.2E+5', '120000.0000'],
    ['-3.0001', '-3.0001'],
    ['0E-4', '0.0000'],
    // Ten million times the largest amount.
    ['9999999999999999999999990.0000', '9999999999999999999999990.0000'],
    ['12345678901234567890123456789.0123', '12345678901234567890123456789.0123'],
  ])('of %s is exactly %s', (sum, text) => {
    expect(formatMoney(exactSum(Decimal128.fromString(sum)))).toBe(text);
  });

  it.each(['123456789012345678901234567890.1234', '0.00001', 'NaN', 'Infinity', '1E-7'])(
    'of %s is rejected: it may be rounded, or is not a sum of amounts',
    (sum) => {
      expect(() => exactSum(Decimal128.fromString(sum))).toThrow(RangeError);
    },
  );
});
