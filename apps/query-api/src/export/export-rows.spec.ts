import { describe, expect, it } from '@jest/globals';
import type { OrderResponse } from '#orders/order/order-response.js';
import { CSV_HEADER, csvLine } from './export-rows.js';

const ORDER: OrderResponse = {
  id: '970844c7-0d33-82a3-ba87-000000001266',
  number: 4_711,
  accountId: 'acc-0004711',
  side: 'buy',
  symbol: 'ACME',
  quantity: 100,
  price: '187.3500',
  amount: '18735.0000',
  currency: 'USD',
  createdAt: '2026-01-31T12:00:00.000Z',
};

/** Returns the fields of a CSV record by their names. None of the values here contains a comma or a quote. */
function fieldsOf(order: OrderResponse): Record<string, string | undefined> {
  const values = csvLine(order).trimEnd().split(',');
  return Object.fromEntries(
    CSV_HEADER.trimEnd()
      .split(',')
      .map((name, at) => [name, values[at]]),
  );
}

describe('an order as CSV', () => {
  it.each([
    ['=HYPERLINK("http://evil.example")', `"'=HYPERLINK(""http://evil.example"")"`],
    ['+1', "'+1"],
    ['-1+cmd|calc', "'-1+cmd|calc"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t'=1"],
    ['＝1', "'＝1"],
    ['A;=1;-2', "A;'=1;'-2"],
    ["'=1", "''=1"],
    ['ACME-2', 'ACME-2'],
    ["O'NEIL", "O'NEIL"],
  ])('has no formula in a text: %j', (text, field) => {
    expect(csvLine({ ...ORDER, symbol: text })).toContain(`,${field},`);
    expect(csvLine({ ...ORDER, accountId: text })).toContain(`,${field},`);
  });

  it('allows to restore the exact text', () => {
    for (const text of ['=1', "'=1", "a;'b;=c", "''", ';', "x;';=", "O'NEIL"]) {
      const escaped = fieldsOf({ ...ORDER, symbol: text })['symbol'] ?? '';
      expect(escaped.replaceAll(/(^|;)'/g, '$1')).toBe(text);
    }
  });

  it('keeps numbers and amounts as they are', () => {
    const legacy = { number: -7, filled: ['price'] };
    expect(fieldsOf({ ...ORDER, legacy })).toMatchObject({
      number: '4711',
      quantity: '100',
      price: '187.3500',
      amount: '18735.0000',
      legacyNumber: '-7',
      legacyFilled: 'price',
    });
  });
});
