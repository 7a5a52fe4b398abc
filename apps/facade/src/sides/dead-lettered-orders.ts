import type { Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';

/** Where the new side put an order that it accepted. */
export interface AcceptedOrder {
  readonly id: string;
  readonly operationId: string;
  /** Its number on the new side. */
  readonly number: number;
}

/** Returns the numbers of an operation's orders that are pending dead letters. */
export type LetterNumbers = (operationId: string, signal: AbortSignal) => Promise<ReadonlySet<number>>;

/** An order that is not saved by then may be a dead letter; the save takes about a second. */
const OVERDUE_MS = timeLimit(5_000);
/** Overdue orders are asked about once in this time, however often `among` is called. */
const SEARCH_MS = 2_000;
const MAX_REMEMBERED = 50_000;

/**
 * Finds which accepted orders became dead letters: they will not be saved without a person. The new side finds letters by operation and
 * number, so the orders of this process are remembered until they are saved; those of an earlier process are not found.
 */
export class DeadLetteredOrders {
  private readonly accepted = new Map<string, AcceptedOrder & { readonly at: number }>();
  private readonly found = new Set<string>();
  private searchedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly letters: LetterNumbers,
    private readonly clock: Clock,
  ) {}

  remember(orders: readonly AcceptedOrder[]): void {
    const at = this.clock.now();
    for (const order of orders) {
      // A repeated write has a new number, and so perhaps another letter.
      this.accepted.delete(order.id);
      this.accepted.set(order.id, { ...order, at });
      const [oldest] = this.accepted.keys();
      if (this.accepted.size > MAX_REMEMBERED && oldest !== undefined) this.accepted.delete(oldest);
    }
  }

  forget(saved: Iterable<string>): void {
    for (const id of saved) {
      this.accepted.delete(id);
      this.found.delete(id);
    }
  }

  /** Returns the dead letters among orders that are not saved. @throws if the new side does not answer */
  async among(ids: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const now = this.clock.now();
    const overdue = ids.flatMap((id) => this.accepted.get(id) ?? []).filter(({ at }) => now - at >= OVERDUE_MS);
    if (overdue.length > 0 && now - this.searchedAt >= SEARCH_MS) {
      this.searchedAt = now;
      for (const [operationId, orders] of Map.groupBy(overdue, (order) => order.operationId)) {
        const numbers = await this.letters(operationId, signal);
        for (const { id, number } of orders) if (numbers.has(number)) this.found.add(id);
      }
    }
    return new Set(ids.filter((id) => this.found.has(id)));
  }
}
