import { describe, expect, it } from '@jest/globals';
import { orderPath } from './order-path.js';

describe('the path for a search text', () => {
  it.each([
    ['', '/v1/orders?page=1&pageSize=20'],
    ['  ', '/v1/orders?page=1&pageSize=20'],
    ['page 100000', '/v1/orders?page=100000&pageSize=20'],
    ['970844C7-0D33-82A3-BA87-000000001266', '/v1/orders/970844c7-0d33-82a3-ba87-000000001266'],
    ['17', '/v1/orders/range?from=17&to=17&pageSize=20'],
    ['500..502', '/v1/orders/range?from=500&to=502&pageSize=20'],
    ['500 - 502', '/v1/orders/range?from=500&to=502&pageSize=20'],
    ['acc-0004711', '/v1/orders?accountId=acc-0004711&pageSize=20'],
    ['acme', '/v1/orders?symbol=ACME&pageSize=20'],
    ['a&b=c', '/v1/orders?symbol=A%26B%3DC&pageSize=20'],
  ])('%j: %s', (text, path) => {
    expect(orderPath(text)).toBe(path);
  });
});
