import type { LegacyOrder } from '#orders/order/order.js';

/** The two systems that the facade stands before. */
export const SIDES = ['legacy', 'new'] as const;
export type SideName = (typeof SIDES)[number];

/**
 * What a side answered to a write.
 * - `stored`: the side has the order for good; a repeat of the same order is `stored` again.
 * - `refused`: the side will never store it. `code` is stable, `message` is the side's own reason.
 * - `unknown`: no answer, or a 5xx. The order may be stored now or later; only a repeat finds out.
 */
export type WriteOutcome =
  | { readonly result: 'stored' }
  | { readonly result: 'refused'; readonly code: string; readonly message: string; readonly status: number }
  | { readonly result: 'unknown'; readonly message: string };

/** A system that stores orders. Each write carries the order's id and legacy number, so that repeating it is harmless. */
export interface WrittenSide {
  readonly name: SideName;

  /**
   * Writes orders of any accounts, in their order. Resolves when each has an outcome; never rejects.
   * For the new side, `stored` means that Kafka has the order; `areReadable` says when reads return it.
   */
  write(orders: readonly LegacyOrder[], signal: AbortSignal): Promise<readonly WriteOutcome[]>;

  /**
   * Returns for each id whether reads of the side return it. An order that the side acknowledged and then could not save, such as a
   * dead letter, is `refused`.
   * @throws Error if the side does not answer
   */
  areReadable(ids: readonly string[], signal: AbortSignal): Promise<readonly ('readable' | 'not-yet' | 'refused')[]>;
}
