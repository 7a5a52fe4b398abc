import type { LegacyRecord } from '#legacy/translation/legacy-record.js';

/** A write of a client. Its quantity is its serial, so that the stored order shows which write it was. */
export interface WrittenOrder {
  readonly accountId: string;
  /** Counts the writes of the account, from 1. A client sends a write after it has the outcome of the one before, or gave it up. */
  readonly serial: number;
  /** `undefined`: the side that stores it chooses one. */
  readonly id: string | undefined;
  /** When it was first sent, in ms since the run began. */
  readonly begunAt: number;
  /** The acknowledged order; `undefined`: the outcome is not known, the order may be stored, now or later. */
  acked?: { readonly record: LegacyRecord; readonly at: number };
}

/** All writes of all clients. */
export class WrittenOrders {
  private readonly byAccount = new Map<string, WrittenOrder[]>();

  begin(accountId: string, id: string | undefined, begunAt: number): WrittenOrder {
    const orders = this.byAccount.get(accountId) ?? [];
    this.byAccount.set(accountId, orders);
    const order: WrittenOrder = { accountId, serial: orders.length + 1, id, begunAt };
    orders.push(order);
    return order;
  }

  get accounts(): readonly string[] {
    return [...this.byAccount.keys()];
  }

  /** The writes of an account, in their order. */
  of(accountId: string): readonly WrittenOrder[] {
    return this.byAccount.get(accountId) ?? [];
  }

  get all(): readonly WrittenOrder[] {
    return [...this.byAccount.values()].flat();
  }
}
