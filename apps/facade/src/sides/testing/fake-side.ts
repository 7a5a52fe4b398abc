import type { LegacyOrder } from '#orders/order/order.js';
import type { SideName, WriteOutcome, WrittenSide } from '../side.js';
import { SideAwayError } from '../side-away-error.js';

/** A side in memory. It passes the contract of all sides; a test can take it away, or let it forget what it has answered. */
export class FakeSide implements WrittenSide {
  /** In the order in which they were written. */
  readonly orders: LegacyOrder[] = [];
  isAway = false;

  constructor(readonly name: SideName) {}

  async write(orders: readonly LegacyOrder[]): Promise<readonly WriteOutcome[]> {
    if (this.isAway) return orders.map(() => ({ result: 'unknown', message: `the ${this.name} side is away` }));
    return orders.map((order) => this.writeOne(order));
  }

  async areReadable(ids: readonly string[]): Promise<readonly ('readable' | 'not-yet')[]> {
    if (this.isAway) throw new SideAwayError(this.name, 'no-connection', 'it is away');
    const stored = new Set(this.orders.map(({ id }) => id));
    return ids.map((id) => (stored.has(id) ? 'readable' : 'not-yet'));
  }

  private writeOne(order: LegacyOrder): WriteOutcome {
    if (order.quantity > 10_000)
      return { result: 'refused', code: 'out-of-range', message: 'quantity is too large', status: 400 };
    const known = this.orders.find(({ id }) => id === order.id);
    if (known === undefined) this.orders.push(order);
    return { result: 'stored' };
  }
}
