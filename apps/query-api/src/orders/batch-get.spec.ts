import { describe, expect, it } from '@jest/globals';
import { BatchGetSchema, orderId } from './batch-get.js';

const messages = (result: { error?: { issues: { message: string }[] } | undefined }): string[] | undefined =>
  result.error?.issues.map(({ message }) => message);

describe('the id of an order', () => {
  it('is a UUID, also in upper case', () => {
    expect(orderId.parse('970844C7-0D33-82A3-BA87-000000001266')).toBe('970844c7-0d33-82a3-ba87-000000001266');
  });

  it.each([undefined, '', 'acc-1', '0', '1e6', '123a'])('is not %j', (id) => {
    expect(messages(orderId.safeParse(id))).toEqual(['must be a UUID']);
  });

  it('is not the order’s number: the message names the request that finds it', () => {
    const hint = 'must be a UUID (/v1/orders/range?from=123&to=123 has the order of a number)';
    expect(messages(orderId.safeParse('123'))).toEqual([hint]);
    expect(messages(BatchGetSchema.safeParse({ ids: [123] }))).toEqual([hint]);
  });
});
