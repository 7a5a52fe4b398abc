import { Injectable } from '@nestjs/common';
import { SavedOrders } from '../orders/saved-orders.js';
import { indexInterval } from '../order-query/index-interval.js';
import type { OrderQuery } from '../order-query/order-query.js';
import { NumberHoles, type NumberRange } from '../orders/number-holes.js';

/** Finds the numbers that have an order or may still get one. Pages skip all other numbers, which are known to stay empty. */
@Injectable()
export class PossibleNumbers {
  constructor(
    private readonly holes: NumberHoles,
    private readonly orders: SavedOrders,
  ) {}

  /**
   * Returns the first such number from a start number on, which is included, upwards or downwards.
   * @param within the range that the result must lie in
   */
  async first(from: number, direction: 1 | -1, within: NumberRange): Promise<number | undefined> {
    const holes = await this.holes.all();
    let number = from;
    while (number >= within.from && number <= within.to) {
      const hole = holeAt(holes, number);
      if (hole === undefined) return number;
      const rest = direction === 1 ? { from: number, to: hole.to } : { from: hole.from, to: number };
      const saved = await this.firstSaved(rest, direction);
      if (saved !== undefined) return saved >= within.from && saved <= within.to ? saved : undefined;
      number = direction === 1 ? hole.to + 1 : hole.from - 1;
    }
    return undefined;
  }

  private async firstSaved({ from, to }: NumberRange, direction: 1 | -1): Promise<number | undefined> {
    const [order] = await this.orders.scan({ interval: indexInterval(byNumber({ from, to })), direction, limit: 1 });
    return order?.number;
  }
}

/** Returns the order query for all orders of a number range, sorted by number. */
export function byNumber({ from, to }: NumberRange): OrderQuery {
  return {
    equality: undefined,
    range: { from: { value: from, inclusive: true }, to: { value: to, inclusive: true } },
    sort: { field: 'number', descending: false },
  };
}

/** Finds the hole that contains a number, by binary search. Holes never touch, so each is followed by a number outside of all holes. */
function holeAt(holes: readonly NumberRange[], number: number): NumberRange | undefined {
  let low = 0;
  let high = holes.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const hole = holes[middle];
    if (hole === undefined || number < hole.from) high = middle - 1;
    else if (number > hole.to) low = middle + 1;
    else return hole;
  }
  return undefined;
}
