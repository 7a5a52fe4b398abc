import { outcomeUnknown } from './intake-problems.js';
import type { OrdersRequest } from './orders-request.js';

/** The operation of the orders of a request, and their ids and numbers. */
export interface Accepted {
  readonly operationId: string;
  readonly items: readonly { readonly id: string; readonly number: number }[];
}

/** A request that waits for Kafka's acknowledgement. Only its first outcome counts. */
export class PendingRequest {
  readonly outcome: Promise<Accepted>;
  private isOver = false;
  private readonly resolve: (accepted: Accepted) => void;
  private readonly reject: (error: unknown) => void;

  constructor(readonly content: OrdersRequest) {
    const { promise, resolve, reject } = Promise.withResolvers<Accepted>();
    this.outcome = promise;
    this.resolve = resolve;
    this.reject = reject;
  }

  get size(): number {
    return this.content.orders.length;
  }

  get isSettled(): boolean {
    return this.isOver;
  }

  /** @param first the number of its first order; the others follow */
  accept(operationId: string, first: number): void {
    const items = this.content.ids.map((id, at) => ({ id, number: first + at }));
    this.isOver = true;
    this.resolve({ operationId, items });
  }

  fail(error: unknown): void {
    this.isOver = true;
    this.reject(error);
  }

  failAsUnknown(): void {
    this.fail(outcomeUnknown());
  }
}

/** Returns the number of orders. */
export function ordersIn(requests: readonly PendingRequest[]): number {
  return requests.reduce((sum, { size }) => sum + size, 0);
}
