import { describe, expect, it } from '@jest/globals';
import { orderGenerator } from '../generator/generator.js';
import { orderViolation, type Order } from './order.js';

const good = orderGenerator({
  operationId: '01935c9e-8a00-7000-8000-000000000001',
  seed: 1,
  count: 1,
  firstNumber: 1,
  accounts: 1,
  from: new Date(0),
  to: new Date(1_000),
})(0);

describe('orderViolation', () => {
  it('accepts generated orders', () => {
    expect(orderViolation(good)).toBeUndefined();
  });

  it.each<[string, Partial<Order>]>([
    ['id', { id: 'not-a-uuid' }],
    ['id', { id: good.id.toUpperCase() }],
    ['number', { number: 0 }],
    ['number', { number: 2 ** 53 }],
    ['accountId', { accountId: '' }],
    ['accountId', { accountId: 'a'.repeat(65) }],
    ['symbol', { symbol: '' }],
    ['currency', { currency: 'usd' }],
    ['quantity', { quantity: 0 }],
    ['quantity', { quantity: 10_001 }],
    ['price', { price: 0n }],
    ['price', { price: 10n ** 18n }],
    ['amount', { amount: good.amount + 1n }],
    ['createdAt', { createdAt: new Date(Number.NaN) }],
  ])('names an invalid %s', (field, change) => {
    expect(orderViolation({ ...good, ...change })).toMatch(new RegExp(`^${field} `));
  });
});
