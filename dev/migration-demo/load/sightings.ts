import type { KnownOrder } from './judge.js';

/** All orders that clients have got, of all clients together. An order has one number and one content, for ever. */
export class Sightings {
  private readonly byNumber = new Map<number, KnownOrder>();
  private readonly numbers = new Map<string, number>();

  /** Adds an order. @returns what contradicts an earlier answer; `undefined`: nothing */
  note(order: KnownOrder): string | undefined {
    const { number, id, text } = order;
    const before = this.byNumber.get(number);
    if (before !== undefined) return before.text === text ? undefined : `is ${text}, but a client got ${before.text}`;
    const other = this.numbers.get(id);
    if (other !== undefined) return `order ${id} has number ${number}, but a client got it as number ${other}`;
    this.byNumber.set(number, order);
    this.numbers.set(id, number);
    return undefined;
  }

  at(number: number): KnownOrder | undefined {
    return this.byNumber.get(number);
  }

  all(): IterableIterator<KnownOrder> {
    return this.byNumber.values();
  }
}
