import type { Order } from '#orders/order/order.js';
import type { NumberInterval } from '../sides/number-interval.js';
import type { LegacyRows } from './legacy-rows.js';

/** What a verification reads. Each call rejects if the side does not answer. */
export interface VerifiedSides {
  /** Returns the legacy system's orders with these numbers. */
  legacy(interval: NumberInterval, signal: AbortSignal): Promise<LegacyRows>;

  /** Returns the new side's orders with these legacy numbers. */
  created(interval: NumberInterval, signal: AbortSignal): Promise<readonly Order[]>;

  /** Returns whether neither side has an order with one of these numbers. They may be a million. */
  isEmpty(interval: NumberInterval, signal: AbortSignal): Promise<boolean>;

  /** Returns the numbers of the interval whose admitted write is still missing on a side. */
  openNumbers(interval: NumberInterval): Promise<ReadonlySet<number>>;
}
