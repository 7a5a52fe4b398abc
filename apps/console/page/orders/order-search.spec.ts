import { describe, expect, it } from '@jest/globals';
import { readSearch, type Search } from './order-search.js';

const ID = '970844c7-0d33-82a3-ba87-000000001266';
/** Late in New York, and the next day in UTC. */
const NOW = Date.parse('2026-01-31T22:00:00-05:00');
const NUMBER = 'An order number is a whole number from 1 to 9,007,199,254,740,991';

function read(text: string): Search {
  return readSearch(text, NOW);
}

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
    ['today', `/v1/orders?${day('2026-02-01', '2026-02-02')}&pageSize=20`],
    ['Yesterday', `/v1/orders?${day('2026-01-31', '2026-02-01')}&pageSize=20`],
    ['2026-01-30..today', `/v1/orders?${day('2026-01-30', '2026-02-02')}&pageSize=20`],
    ['2026-01-30..', `/v1/orders?createdAt%5Bgte%5D=2026-01-30T00%3A00%3A00.000Z&pageSize=20`],
    ['..2026-01-30', `/v1/orders?createdAt%5Blt%5D=2026-01-31T00%3A00%3A00.000Z&pageSize=20`],
    ['500..', '/v1/orders?number%5Bgte%5D=500&pageSize=20'],
    ['.. 1,500', '/v1/orders?number%5Blte%5D=1500&pageSize=20'],
    ['createdAt=2026-01-31', `/v1/orders?${day('2026-01-31', '2026-02-01')}&pageSize=20`],
    ['createdat = today', `/v1/orders?${day('2026-02-01', '2026-02-02')}&pageSize=20`],
    ['number=17', '/v1/orders/range?from=17&to=17&pageSize=20'],
    ['number=500..502', '/v1/orders/range?from=500&to=502&pageSize=20'],
    ['symbol=today', '/v1/orders?symbol=TODAY&pageSize=20'],
    ['accountId=acc-0004711', '/v1/orders?accountId=acc-0004711&pageSize=20'],
    ['page=3', '/v1/orders?page=3&pageSize=20'],
    ['2026-01-30..2026-01-31', `/v1/orders?${day('2026-01-30', '2026-02-01')}&pageSize=20`],
  ])('%j: %s', (text, path) => {
    expect(read(text)).toMatchObject({ kind: 'orders', path });
  });

  it('is an id of an order or an operation, or that of a dead letter', () => {
    expect(read(` ${ID.toUpperCase()}\n`)).toEqual({ kind: 'id', id: ID });
    expect(read(`id=${ID}`)).toEqual({ kind: 'id', id: ID });
    expect(read('orders.v1/3/4711')).toEqual({ kind: 'letter', id: 'orders.v1/3/4711' });
  });

  it.each([
    ['0', `${NUMBER}, got “0”.`],
    ['1e6', `${NUMBER}, got “1e6”.`],
    ['-5', `${NUMBER}, got “-5”.`],
    ['1.5', `${NUMBER}, got “1.5”.`],
    ['1,2', `${NUMBER}, got “1,2”.`],
    ['9007199254740993', `${NUMBER}, got “9007199254740993”.`],
    ['502..500', 'A range begins with its lower number: 500..502.'],
    ['page zero', 'A page is a whole number from 1 to 9,007,199,254,740,991, got “zero”.'],
    ['page -1', 'A page is a whole number from 1 to 9,007,199,254,740,991, got “-1”.'],
    ['page', 'A page has a number, such as page 3.'],
    ['12345678901234567890', `${NUMBER}, got “12345678901234567890”.`],
    ['1e6..', `${NUMBER}, got “1e6”.`],
    ['26.11.2026', 'A day is year-month-day: write 2026-11-26, got “26.11.2026”.'],
    ['2026/11/6', 'A day is year-month-day: write 2026-11-06, got “2026/11/6”.'],
    ['11/26/2026', 'A day is year-month-day: write 2026-01-31 for January 31, got “11/26/2026”.'],
    ['26-11-2026', 'A day is year-month-day: write 2026-01-31 for January 31'],
    ['31.02.2026', 'A day is year-month-day: write 2026-01-31 for January 31'],
    ['createdAt=26.11.2026', 'A day is year-month-day: write 2026-11-26, got “26.11.2026”.'],
    ['createdAt=noon', 'A day has the form 2026-01-31, got “noon”.'],
    ['createdAt[gte]=2026-01-31', 'A range has two dots, such as 500..502 or 2026-01-30..2026-01-31, got'],
    ['number>500', 'A range has two dots'],
    ['number=', 'number has no value, got “number=”.'],
    ['id=17', '“17” is not an id.'],
    ['970844c7', '“970844c7” is only a part of an id: an id has 36 characters.'],
    ['side=buy', 'The search finds id, number, createdAt, accountId, symbol and page, got “side=buy”.'],
    ['2026-01', 'is neither a day, such as 2026-01-31, nor a range of numbers'],
    ['2026-1-31', 'is neither a day'],
    ['2026-', 'is neither a day'],
    ['2026-01-31T12:', 'is neither a day'],
    ['2026-02-30', 'There is no day “2026-02-30”.'],
    ['2026-01-31..2026-01-30', 'A range begins with its earlier day: 2026-01-30..2026-01-31.'],
    ['970844c7-0d33', 'is only a part of an id: an id has 36 characters.'],
    [`${ID}0`, 'is too long for an id: an id has 36 characters.'],
    [ID.replace(/-(.{4})-(.)/, '-$1$2-'), 'is not an id: its dashes are not where those of an id are.'],
  ])('%j is refused before anything is requested', (text, reason) => {
    expect(read(text)).toEqual({ kind: 'fault', text: expect.stringContaining(reason) });
  });

  it.each([
    ['', 'There are no orders yet.'],
    ['7', 'No saved order has the number 7.'],
    ['7..9', 'No saved order has a number from 7 to 9.'],
    ['7..', 'No saved order has a number from 7.'],
    ['..7', 'No saved order has a number up to 7.'],
    ['acc-1', 'There are no saved orders of the account “acc-1”.'],
    ['acme', 'There are no saved orders with the symbol “ACME”.'],
    ['2026-01-31', 'No saved order was created on 2026-01-31 (UTC).'],
    ['2026-01-31..', 'No saved order was created since 2026-01-31 (UTC).'],
    ['..2026-01-31', 'No saved order was created until 2026-01-31 (UTC).'],
  ])('%j has a sentence for no result', (text, none) => {
    expect(read(text)).toMatchObject({ none });
  });
});

function day(from: string, to: string): string {
  return new URLSearchParams({
    'createdAt[gte]': `${from}T00:00:00.000Z`,
    'createdAt[lt]': `${to}T00:00:00.000Z`,
  }).toString();
}
