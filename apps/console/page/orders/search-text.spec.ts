import { describe, expect, it } from '@jest/globals';
import { readSearch } from './search-text.js';

const ID = '970844c7-0d33-82a3-ba87-000000001266';

describe('a search text', () => {
  it.each([
    ['', '/v1/orders?page=1&pageSize=20'],
    ['  ', '/v1/orders?page=1&pageSize=20'],
    ['page 100000', '/v1/orders?page=100000&pageSize=20'],
    ['Page 100,000', '/v1/orders?page=100000&pageSize=20'],
    ['17', '/v1/orders/range?from=17&to=17&pageSize=20'],
    ['12,543', '/v1/orders/range?from=12543&to=12543&pageSize=20'],
    [' 12 543\t', '/v1/orders/range?from=12543&to=12543&pageSize=20'],
    ['#17', '/v1/orders/range?from=17&to=17&pageSize=20'],
    ['500..502', '/v1/orders/range?from=500&to=502&pageSize=20'],
    ['500 - 502', '/v1/orders/range?from=500&to=502&pageSize=20'],
    ['500–502', '/v1/orders/range?from=500&to=502&pageSize=20'],
    ['500 to 502', '/v1/orders/range?from=500&to=502&pageSize=20'],
    ['2,000..3,000', '/v1/orders/range?from=2000&to=3000&pageSize=20'],
    ['2026-2030', '/v1/orders/range?from=2026&to=2030&pageSize=20'],
    ['acc-0004711', '/v1/orders?accountId=acc-0004711&pageSize=20'],
    ['ACC-0004711', '/v1/orders?accountId=acc-0004711&pageSize=20'],
    ['acme', '/v1/orders?symbol=ACME&pageSize=20'],
    ['a&b=c', '/v1/orders?symbol=A%26B%3DC&pageSize=20'],
    ['2026-01-31', `/v1/orders?${day('2026-01-31', '2026-02-01')}&pageSize=20`],
    ['2026-01-30..2026-01-31', `/v1/orders?${day('2026-01-30', '2026-02-01')}&pageSize=20`],
  ])('%j: %s', (text, path) => {
    expect(readSearch(text)).toMatchObject({ kind: 'orders', path });
  });

  it('is an id of an order or an operation, or that of a dead letter', () => {
    expect(readSearch(` ${ID.toUpperCase()}\n`)).toEqual({ kind: 'id', id: ID });
    expect(readSearch('orders.v1/3/4711')).toEqual({ kind: 'letter', id: 'orders.v1/3/4711' });
  });

  it.each([
    ['0', 'An order number is a whole number from 1, got “0”.'],
    ['1e6', 'An order number is a whole number from 1, got “1e6”.'],
    ['-5', 'An order number is a whole number from 1, got “-5”.'],
    ['1.5', 'An order number is a whole number from 1, got “1.5”.'],
    ['1,2', 'An order number is a whole number from 1, got “1,2”.'],
    ['9007199254740993', 'An order number is a whole number from 1, got “9007199254740993”.'],
    ['502..500', 'A range begins with its lower number: 500..502.'],
    ['page zero', 'A page is a whole number from 1, got “zero”.'],
    ['page -1', 'A page is a whole number from 1, got “-1”.'],
    ['2026-01', 'is neither a day, such as 2026-01-31, nor a range of numbers'],
    ['2026-1-31', 'is neither a day'],
    ['2026-', 'is neither a day'],
    ['2026-01-31T12:', 'is neither a day'],
    ['2026-02-30', 'There is no day “2026-02-30”.'],
    ['2026-01-31..2026-01-30', 'A range begins with its earlier day: 2026-01-30..2026-01-31.'],
    ['970844c7-0d33', 'is only a part of an id: an id has 36 characters.'],
    [`${ID}0`, 'is only a part of an id'],
  ])('%j is refused before anything is requested', (text, reason) => {
    const search = readSearch(text);
    expect([search.kind, search.kind === 'fault' ? search.text : '']).toEqual([
      'fault',
      expect.stringContaining(reason),
    ]);
  });

  it('has a sentence for no result', () => {
    expect(['', '7', '7..9', 'acc-1', 'acme', '2026-01-31'].map((text) => none(text))).toEqual([
      'There are no orders yet.',
      'No saved order has the number 7.',
      'No saved order has a number from 7 to 9.',
      'There are no saved orders of the account “acc-1”.',
      'There are no saved orders with the symbol “ACME”.',
      'No saved order was created on 2026-01-31 (UTC).',
    ]);
  });
});

function none(text: string): string {
  const search = readSearch(text);
  return search.kind === 'orders' ? search.none : search.kind;
}

function day(from: string, to: string): string {
  return new URLSearchParams({
    'createdAt[gte]': `${from}T00:00:00.000Z`,
    'createdAt[lt]': `${to}T00:00:00.000Z`,
  }).toString();
}
