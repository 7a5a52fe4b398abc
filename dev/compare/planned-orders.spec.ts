import { describe, expect, it } from '@jest/globals';
import { orderGenerator } from '#orders/generator/generator.js';
import { ACCOUNTS, planOrders } from './planned-orders.js';

const SAVE_MS = { minimum: 0, maximum: 1_000 };

describe('the planned orders', () => {
  it('have the accounts of the orders that a populate generates', () => {
    const batch = {
      seed: 5,
      count: 200,
      accounts: ACCOUNTS,
      firstNumber: 9_000,
      from: new Date(7),
      to: new Date(8_000),
    };
    const orderAt = orderGenerator({ ...batch, operationId: '01935c9e-8a00-7000-8000-000000000001' });
    expect(planOrders(200, 5, SAVE_MS).map(({ accountId }) => accountId)).toEqual(
      Array.from({ length: 200 }, (_, index) => orderAt(index).accountId),
    );
  });

  it('begin with the same orders for any count, so that a sample has the same orders', () => {
    expect(planOrders(10, 5, SAVE_MS)).toEqual(planOrders(1_000, 5, SAVE_MS).slice(0, 10));
  });

  it('cover all twelve partitions, and wait within the bounds', () => {
    const orders = planOrders(1_000, 5, { minimum: 20, maximum: 30 });
    expect(new Set(orders.map(({ partition }) => partition)).size).toBe(12);
    expect(new Set(orders.map(({ waitMs }) => waitMs))).toEqual(
      new Set(Array.from({ length: 11 }, (_, at) => 20 + at)),
    );
  });
});
