import type { Side } from '#orders/order/order.js';

/** An order as the legacy system stores and answers it, in the order of its fields. */
export interface LegacyRecord {
  /** Any text for the legacy system; a UUID in lower case if it can be translated. */
  readonly id: string;
  readonly number: number;
  readonly accountId: string;
  readonly side: Side;
  readonly symbol: string;
  readonly quantity: number;
  /** A float. */
  readonly price: number;
  /** A float. */
  readonly amount: number;
  readonly currency: string;
  /** A local timestamp without a zone, such as `2026-01-31T12:00:00.000`. */
  readonly createdAt: string;
}
