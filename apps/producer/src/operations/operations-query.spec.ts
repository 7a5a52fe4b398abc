import { describe, expect, it } from '@jest/globals';
import { nextPage, OperationsQuerySchema } from './operations-query.js';

const ID = '01935c9e-8a00-7000-8000-000000000001';

describe('the query of the operations list', () => {
  it.each([
    { status: 'done' },
    { kind: 'x' },
    { pageSize: '0' },
    { pageSize: '101' },
    { pageSize: ['1', '2'] },
    { before: '1' },
    { page: '1' },
  ])('rejects %j', (query) => {
    expect(OperationsQuerySchema.safeParse(query).success).toBe(false);
  });

  it('has a next page with the same filter', () => {
    const query = OperationsQuerySchema.parse({ status: 'running', pageSize: '2' });
    expect(nextPage(query, ID)).toBe(`/v1/operations?status=running&pageSize=2&before=${ID}`);
  });
});
