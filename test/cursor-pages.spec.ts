import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Long, UUID } from 'mongodb';
import type { OrderDocument } from '#orders/order/order-document.js';
import type { OrdersPage } from '../apps/query-api/src/paging/orders-page.js';
import { eventually } from './support/eventually.js';
import { TestSystem } from './support/test-system.js';
import type { PopulateResponse } from './support/tested-stack.js';

/** The result of following the `next` links. */
interface Followed {
  readonly numbers: number[];
  readonly emptyPages: number;
  readonly pages: number;
}

describe('cursor pagination and numbered pages, while orders are being saved and with gaps in their numbers', () => {
  let pipeline: TestSystem;
  let cancelled: PopulateResponse;
  let empty: PopulateResponse;
  let behind: PopulateResponse;

  beforeAll(async () => {
    pipeline = await TestSystem.start({ flags: ['--no-console', '--save-ms', '0..200'] });
    await pipeline.populate({ count: 1_000, accounts: 10_000 });
    cancelled = await endedEarly({ count: 500_000, ratePerSecond: 2_000, chunkSize: 100 }, 300);
    // Almost no order of it is sent, so that nearly all of its block is a gap.
    empty = await endedEarly({ count: 7_000, ratePerSecond: 0.1, chunkSize: 1 }, 0);
    behind = await pipeline.populate({ count: 2_000, accounts: 10_000 });
    await pipeline.allSaved(behind.id);
    await pipeline.allEnded(cancelled.id);
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  /** Starts a populate and cancels it once `acked` of its orders are acknowledged. */
  async function endedEarly(order: object, acked: number): Promise<PopulateResponse> {
    const { id } = await pipeline.populate(order);
    await eventually(`${acked} orders are acknowledged`, async () => (await pipeline.operation(id)).acked >= acked);
    return (await pipeline.post<PopulateResponse>(`/v1/operations/${id}/cancel`, {})).body;
  }

  async function savedNumbers(): Promise<number[]> {
    const orders = await pipeline.db
      .collection<{ number: number }>('orders')
      .find({}, { readConcern: { level: 'majority' } })
      .project<{ number: number }>({ number: 1 })
      .toArray();
    return orders.map(({ number }) => number);
  }

  async function follow(path: string): Promise<Followed> {
    const pages = await pipeline.walk(path);
    return {
      numbers: pages.flat().map(({ number }) => number),
      emptyPages: pages.filter(({ length }) => length === 0).length,
      pages: pages.length,
    };
  }

  async function page(path: string): Promise<OrdersPage['page']> {
    return (await pipeline.get<OrdersPage>(path)).body.page;
  }

  it('return each order that was saved at the start exactly once, in any sort', async () => {
    const { id } = await pipeline.populate({ count: 20_000, ratePerSecond: 400, accounts: 10_000 });
    await eventually('some orders are saved', async () => ((await pipeline.operation(id)).saved ?? 0) > 500);
    const atFirst = (await savedNumbers()).length;
    const sorts = ['number', '-number', 'createdAt', '-createdAt', 'amount', '-amount'];
    const byCursor = sorts.map((sort) => `/v1/orders?sort=${sort}&pageSize=197`);
    const numbered = ['number', '-number'].map((sort) => `/v1/orders?page=1&pageSize=100&sort=${sort}`);
    for (const path of [...byCursor, ...numbered]) {
      const savedBefore = await savedNumbers();
      const { numbers } = await follow(path);
      const returned = new Set(numbers);
      expect([path, numbers.length]).toEqual([path, returned.size]);
      expect(savedBefore.filter((number) => !returned.has(number))).toEqual([]);
    }
    expect((await savedNumbers()).length).toBeGreaterThan(atFirst);
    await pipeline.post(`/v1/operations/${id}/cancel`, {});
    await pipeline.allEnded(id);
  });

  it('skip half a million unused numbers once all orders are saved', async () => {
    expect(empty.acked).toBeLessThan(10);
    const { numbers, emptyPages, pages } = await follow('/v1/orders?page=1&pageSize=1000');
    const saved = await savedNumbers();
    expect(numbers).toEqual(saved.toSorted((a, b) => a - b));
    expect(emptyPages).toBe(0);
    expect(pages).toBeLessThan(40);
  });

  it('link across the gap in both directions, also from within it, and to the true last page', async () => {
    const lastBehind = behind.firstNumber + behind.count - 1;
    const within = `/v1/orders/range?from=1&to=${lastBehind}`;
    const inside = await page(`${within}&page=300&pageSize=1000`);
    const firstBehind = empty.acked > 0 ? empty.firstNumber : behind.firstNumber;
    expect(inside).toMatchObject({
      prev: pageOf(cancelled.firstNumber + cancelled.acked - 1, within),
      next: pageOf(firstBehind, within),
      last: pageOf(lastBehind, within),
    });
    expect((await page(String(inside.next))).prev).toBe(inside.prev);
    const atTheEnd = await endedEarly({ count: 50_000, ratePerSecond: 0.1, chunkSize: 1 }, 1);
    const last = pageOf(atTheEnd.firstNumber + atTheEnd.acked - 1);
    await eventually(
      'the last page is known',
      async () => (await page('/v1/orders?page=1&pageSize=1000')).last === last,
    );
    const beyond = await page('/v1/orders?page=100000&pageSize=1000');
    expect([beyond.next, beyond.prev]).toEqual([undefined, last]);
    await pipeline.allEnded(atTheEnd.id);
  });

  it('return an order inside a gap, which a killed producer sent without its acknowledgement', async () => {
    const orders = pipeline.db.collection<Omit<OrderDocument, 'number'> & { number: Long | number }>('orders');
    const order = await orders.findOne();
    if (order === null) throw new Error('no order is saved');
    const number = cancelled.firstNumber + 250_000;
    await orders.insertOne({ ...order, _id: new UUID(), number: Long.fromNumber(number) });
    const { body } = await pipeline.get<OrdersPage>(pageOf(cancelled.firstNumber + cancelled.acked - 1));
    expect(body.page.next).toBe(pageOf(number));
    await orders.deleteOne({ number });
  });
});

/** Path of the page of 1,000 orders that contains a number. */
function pageOf(number: number, orders = '/v1/orders'): string {
  return `${orders}${orders.includes('?') ? '&' : '?'}page=${Math.ceil(number / 1_000)}&pageSize=1000`;
}
