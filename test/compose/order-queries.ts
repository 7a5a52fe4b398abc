import assert from 'node:assert/strict';
import { pagesOf } from '../../apps/cli/src/producer/pages.js';
import type { ProducerClient } from '../../apps/cli/src/producer/producer-client.js';

const PAGE_SIZE = 100;

/** The fields of an order that the run reads. */
interface Order {
  readonly id: string;
  readonly number: number;
}

/** The queries of a user, each of which is a check. */
export class OrderQueries {
  constructor(
    private readonly queryApi: ProducerClient,
    private readonly console: ProducerClient,
  ) {}

  /** Checks that the range of an operation has each of its orders once. */
  async byRange({ firstNumber, count }: { readonly firstNumber: number; readonly count: number }): Promise<void> {
    const path = `/v1/orders/range?from=${firstNumber}&to=${firstNumber + count - 1}&pageSize=1000`;
    const orders: Order[] = [];
    for await (const items of pagesOf<Order>(this.queryApi, path)) {
      orders.push(...items);
      assert.ok(orders.length <= count, `the pages end after ${count} orders`);
    }
    assert.deepEqual(
      orders.map(({ number }) => number),
      Array.from({ length: count }, (_, index) => firstNumber + index),
    );
    assert.equal(new Set(orders.map(({ id }) => id)).size, count);
  }

  /** Checks the first and the last page, and their last orders by id, of so many orders. */
  async byPageAndId(firstNumber: number, orders: number): Promise<void> {
    const last = orders / PAGE_SIZE;
    for (const page of [1, last]) {
      const items = await this.page(page);
      assert.equal(items.length, PAGE_SIZE);
      assert.equal(items[0]?.number, firstNumber + (page - 1) * PAGE_SIZE);
      for (const order of items.slice(-2)) {
        // The console forwards requests to the query API.
        for (const client of [this.queryApi, this.console]) {
          const found = await client.request<Order>({ method: 'GET', path: `/v1/orders/${order.id}` });
          assert.deepEqual(found, order, client.url);
        }
      }
    }
    assert.deepEqual(await this.page(last + 1), []);
  }

  private async page(number: number): Promise<readonly Order[]> {
    const path = `/v1/orders?page=${number}&pageSize=${PAGE_SIZE}`;
    return (await this.queryApi.request<{ items: readonly Order[] }>({ method: 'GET', path })).items;
  }
}
