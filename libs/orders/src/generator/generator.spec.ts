import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { orderGenerator, type OrderBatch } from './generator.js';
import { formatMoney } from '../order/money.js';
import { orderViolation } from '../order/order.js';

const BATCH: OrderBatch = {
  operationId: '01935c9e-8a00-7000-8000-000000000001',
  seed: 42,
  count: 10_000_000,
  firstNumber: 1,
  accounts: 100_000,
  from: new Date('2026-01-01T00:00:00Z'),
  to: new Date('2026-01-02T00:00:00Z'),
};

describe('order generator', () => {
  it('keeps its golden values, so that old orders can be generated again', () => {
    const orderAt = orderGenerator(BATCH);
    const golden = [0, 1, 9_999_999].map((index) => {
      const { price, amount, createdAt, ...order } = orderAt(index);
      return Object.assign(order, {
        price: formatMoney(price),
        amount: formatMoney(amount),
        createdAt: createdAt.toISOString(),
      });
    });
    expect(golden).toMatchInlineSnapshot(`
      [
        {
          "accountId": "acc-0023240",
          "amount": "922764.9375",
          "createdAt": "2026-01-01T00:00:00.000Z",
          "currency": "EUR",
          "id": "f95328b7-b966-8247-89e7-000000000000",
          "number": 1,
          "price": "150.6555",
          "quantity": 6125,
          "side": "buy",
          "symbol": "GALE",
        },
        {
          "accountId": "acc-0072034",
          "amount": "91367.2926",
          "createdAt": "2026-01-01T00:00:00.008Z",
          "currency": "USD",
          "id": "f95328b7-b966-8247-89e7-000000000001",
          "number": 2,
          "price": "9.6962",
          "quantity": 9423,
          "side": "buy",
          "symbol": "CRUX",
        },
        {
          "accountId": "acc-0090748",
          "amount": "220621.2678",
          "createdAt": "2026-01-01T23:59:59.991Z",
          "currency": "AUD",
          "id": "f95328b7-b966-8247-89e7-00000098967f",
          "number": 10000000,
          "price": "27.4986",
          "quantity": 8023,
          "side": "sell",
          "symbol": "ONYX",
        },
      ]
    `);
  });

  it('keeps its golden values for the largest seed', () => {
    const { accountId, symbol, side, quantity, price } = orderGenerator({ ...BATCH, seed: Number.MAX_SAFE_INTEGER })(7);
    expect([accountId, symbol, side, quantity, formatMoney(price)]).toMatchInlineSnapshot(`
      [
        "acc-0010461",
        "CRUX",
        "buy",
        5697,
        "10.2732",
      ]
    `);
  });

  it('generates each order independently of earlier ones', () => {
    const indexes = fc.array(fc.nat(BATCH.count - 1), { minLength: 1, maxLength: 50 });
    const property = fc.property(indexes, (walk) => {
      const walked = orderGenerator(BATCH);
      for (const index of walk) expect(walked(index)).toEqual(orderGenerator(BATCH)(index));
    });
    fc.assert(property, { numRuns: 100 });
  });

  it('generates only valid orders, with dense numbers and rising dates', () => {
    const batches = fc.record({
      seed: fc.maxSafeNat(),
      count: fc.integer({ min: 1, max: 10_000_000 }),
      accounts: fc.integer({ min: 1, max: 10_000_000 }),
      firstNumber: fc.integer({ min: 1, max: 2 ** 50 }),
    });
    const property = fc.property(batches, fc.nat(), (drawn, pick) => {
      const batch = { ...BATCH, ...drawn };
      const index = pick % batch.count;
      const order = orderGenerator(batch)(index);
      expect(orderViolation(order)).toBeUndefined();
      expect(order.number).toBe(batch.firstNumber + index);
      expect(Number(order.accountId.slice(4))).toBeLessThan(batch.accounts);
      expect(order.createdAt >= batch.from && order.createdAt < batch.to).toBe(true);
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it('spreads the orders over all accounts, sides and quantities', () => {
    const orderAt = orderGenerator({ ...BATCH, accounts: 100 });
    const orders = Array.from({ length: 20_000 }, (_, index) => orderAt(index));
    const share = (of: (order: (typeof orders)[number]) => boolean): number => orders.filter(of).length / orders.length;
    expect(new Set(orders.map(({ accountId }) => accountId)).size).toBe(100);
    expect(new Set(orders.map(({ symbol }) => symbol)).size).toBe(16);
    expect(share(({ side }) => side === 'buy')).toBeCloseTo(0.5, 1);
    expect(share(({ quantity }) => quantity <= 5_000)).toBeCloseTo(0.5, 1);
  });
});
