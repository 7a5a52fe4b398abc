import { describe, expect, it } from '@jest/globals';
import { Problem } from '#service/http/problem.js';
import { OrdersQuerySchema } from '../paging/page-request.js';
import type { OrderQuery } from './order-query.js';
import { orderQueryPath } from './order-query-path.js';
import { parseOrderQuery } from './order-query-parameters.js';

function parsed(query: object): OrderQuery {
  return parseOrderQuery(OrdersQuerySchema.parse(query));
}

function problemOf(query: object): Problem {
  try {
    parsed(query);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(query)} was not rejected`);
}

describe('the parameters of an order query', () => {
  it('default to all orders, sorted by number', () => {
    expect(parsed({})).toEqual({ equality: undefined, range: {}, sort: { field: 'number', descending: false } });
  });

  it.each<[object, string]>([
    [{}, '/v1/orders?'],
    [{ sort: 'number' }, '/v1/orders?'],
    [{ sort: '-number' }, '/v1/orders?sort=-number&'],
    [{ sort: 'amount' }, '/v1/orders?sort=amount&'],
    [{ number: { gt: '7', lte: '9' } }, '/v1/orders?number[gt]=7&number[lte]=9&'],
    [{ amount: { gte: '12.5' } }, '/v1/orders?amount[gte]=12.5000&sort=amount&'],
    [
      { createdAt: { lt: '2026-01-31T14:00:00+02:00' }, sort: '-createdAt' },
      '/v1/orders?createdAt[lt]=2026-01-31T12%3A00%3A00.000Z&sort=-createdAt&',
    ],
    [{ accountId: 'a&b=c' }, '/v1/orders?accountId=a%26b%3Dc&'],
    [{ accountId: 'a', sort: 'createdAt' }, '/v1/orders?accountId=a&'],
    [{ symbol: 'ACME', sort: '-createdAt' }, '/v1/orders?symbol=ACME&sort=-createdAt&'],
    [{ legacyNumber: '12' }, '/v1/orders?legacyNumber=12&'],
    [{ sort: '-legacyNumber' }, '/v1/orders?sort=-legacyNumber&'],
    [{ legacyNumber: { gte: '3', lt: '9' } }, '/v1/orders?legacyNumber[gte]=3&legacyNumber[lt]=9&sort=legacyNumber&'],
    [{ legacyNumber: '12', number: { gte: '3' } }, '/v1/orders?legacyNumber=12&number[gte]=3&'],
  ])('%j has one canonical path', (query, path) => {
    const orderQuery = parsed(query);
    expect(orderQueryPath(orderQuery)).toBe(path);
  });

  it.each([
    ['createdAt', '2026-01-31', 'must be a range, such as createdAt[gte]=2026-01-31&createdAt[lte]=2026-01-31'],
    ['number', '5', 'must be a range, such as number[gte]=5&number[lte]=5'],
    ['amount', 'much', 'must be a range, such as amount[gte]='],
    [
      'legacyNumber',
      '99999999999999999999',
      'must be an integer from 0 to 9,007,199,254,740,991, or a range such as legacyNumber[gte]=',
    ],
  ])('%s=%s is rejected with the range to send instead', (field, value, message) => {
    const { error } = OrdersQuerySchema.safeParse({ [field]: value });
    expect(error?.issues).toMatchObject([{ path: [field], message }]);
  });

  it.each<[object, string]>([
    [{ accountId: 'a', symbol: 'ACME' }, 'accountId and symbol can not be combined.'],
    [{ symbol: 'ACME', legacyNumber: '1' }, 'symbol and legacyNumber can not be combined.'],
    [{ accountId: 'a', sort: 'number' }, 'Orders of one accountId can not be sorted by number.'],
    [{ accountId: 'a', sort: '-amount' }, 'Orders of one accountId can not be sorted by amount.'],
    [{ accountId: 'a', number: { gte: '1' } }, 'Orders of one accountId can not be sorted by number.'],
    [{ legacyNumber: '1', sort: 'createdAt' }, 'Orders of one legacyNumber can not be sorted by createdAt.'],
    [{ amount: { gte: '1' }, sort: 'number' }, 'A range of amount can not be sorted by number.'],
    [{ legacyNumber: { gte: '1' }, sort: 'number' }, 'A range of legacyNumber can not be sorted by number.'],
    [{ legacyNumber: { gte: '1' }, number: { lt: '9' } }, 'Ranges of number and legacyNumber can not be combined.'],
    [{ accountId: 'a', legacyNumber: { gte: '1' } }, 'Orders of one accountId can not be sorted by legacyNumber.'],
    [{ amount: { gte: '1' }, number: { lt: '9' } }, 'Ranges of number and amount can not be combined.'],
  ])('%j is rejected with the list of supported combinations', (query, reason) => {
    const { code, detail, extensions } = problemOf(query);
    expect(code).toBe('unsupported-combination');
    expect(detail).toContain(reason);
    expect(extensions['supported']).toContainEqual({
      filter: ['accountId'],
      range: 'createdAt',
      sort: ['createdAt', '-createdAt'],
    });
  });
});
