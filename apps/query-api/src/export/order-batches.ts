import { Injectable } from '@nestjs/common';
import type { Order } from '#orders/order/order.js';
import { decodeOrder, SavedOrders, type EncodedOrder } from '../orders/saved-orders.js';
import { indexInterval, type StartAfter } from '../order-query/index-interval.js';
import { sortValueOf, type OrderQuery } from '../order-query/order-query.js';

/**
 * Orders per batch. More of a larger batch survives minor garbage collections, which then take a third of the time: batches of 2,000
 * orders reach two thirds of the rate (measured).
 */
const BATCH_ORDERS = 500;

/** Batches per export that are in memory or being read: MongoDB reads the next ones while one is decoded. */
const BATCHES_AHEAD = 3;

/** Reads all orders of an order query in batches. Up to 3 batches are read ahead while the client receives one. */
@Injectable()
export class OrderBatches {
  constructor(private readonly saved: SavedOrders) {}

  /**
   * @param after the order to continue after
   * @param size orders per batch
   */
  async *of(
    orderQuery: OrderQuery,
    after: Order | undefined,
    size = BATCH_ORDERS,
  ): AsyncGenerator<readonly EncodedOrder[]> {
    const following = async (batch: Promise<readonly EncodedOrder[]>): Promise<readonly EncodedOrder[]> => {
      const orders = await batch;
      const last = orders.length < size ? undefined : orders.at(-1);
      return last === undefined ? [] : this.read(orderQuery, decodeOrder(last), size);
    };
    let reading = this.read(orderQuery, after, size);
    const ahead = [reading];
    for (;;) {
      while (ahead.length < BATCHES_AHEAD) {
        reading = following(reading);
        // The loop reports a failure when it awaits the batch. If the client disconnects first, nothing awaits it.
        reading.catch(() => undefined);
        ahead.push(reading);
      }
      const orders = (await ahead.shift()) ?? [];
      if (orders.length === 0) return;
      yield orders;
    }
  }

  /** Reads one batch with its own query. One cursor for all batches would stay open while a client is slow or gone. */
  private async read(
    orderQuery: OrderQuery,
    after: Order | undefined,
    limit: number,
  ): Promise<readonly EncodedOrder[]> {
    const direction = orderQuery.sort.descending ? -1 : 1;
    const startAfter: StartAfter | undefined = after && {
      position: { value: sortValueOf(after, orderQuery.sort.field), number: after.number },
      direction,
    };
    return this.saved.scanEncoded({ interval: indexInterval(orderQuery, startAfter), direction, limit });
  }
}
