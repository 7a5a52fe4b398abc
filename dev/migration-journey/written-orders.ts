import { oneOf, type Draw } from './draw.js';
import type { StoredOrder } from './stored-order.js';

/** The accounts of clients begin so; others are those of the populated orders, and of the journey's own probes. */
export const CLIENT_ACCOUNTS = 'client-';

/** A write of a client. Its quantity is its serial, so that the stored order shows which write it was. */
export interface WrittenOrder {
  readonly accountId: string;
  /** Counts the writes of the account, from 1. A client sends a write after it has the outcome of the one before, or gave it up. */
  readonly serial: number;
  /** `undefined`: the side that stores it chooses one. */
  readonly id: string | undefined;
  /** When it was first sent, by the clock of the journey's log. */
  readonly begunAt: number;
  /** The acknowledged order; `undefined`: the outcome is not known, the order may be stored, now or later. */
  acked?: { readonly order: StoredOrder; readonly at: number };
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

  get acknowledged(): readonly StoredOrder[] {
    return this.all.flatMap(({ acked }) => acked?.order ?? []);
  }
}

/** The body of `POST /orders`. */
export interface SentOrder {
  readonly id?: string;
  readonly accountId: string;
  readonly side: 'buy' | 'sell';
  readonly symbol: string;
  readonly quantity: number;
  readonly price: number;
  readonly currency: string;
  readonly createdAt?: string;
}

const INSTRUMENTS = [
  ['ACME', 'USD', 187.35],
  ['EVEN', 'EUR', 76.42],
  ['IRIS', 'GBP', 8.89],
  ['LUMA', 'JPY', 3_245],
] as const;
const YEAR_SECONDS = 365 * 24 * 3_600;
const FIRST_DAY = Date.UTC(2025, 0, 1);

/** Invents the content of a write: with a price of up to four decimals, and half of the time with a local time of its own. */
export function inventOrder({ id, accountId, serial }: WrittenOrder, draw: Draw): SentOrder {
  const [symbol, currency, price] = oneOf(INSTRUMENTS, draw);
  const createdAt = new Date(FIRST_DAY + draw(YEAR_SECONDS) * 1_000 + draw(1_000)).toISOString().slice(0, -1);
  return {
    ...(id !== undefined && { id }),
    accountId,
    side: oneOf(['buy', 'sell'], draw),
    symbol,
    quantity: serial,
    price: Number(((price * (90_000 + draw(20_000))) / 100_000).toFixed(4)),
    currency,
    ...(draw(2) === 0 && { createdAt }),
  };
}
