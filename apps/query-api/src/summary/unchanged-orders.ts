/** The count of its orders that the collection keeps itself: had at once, but off for ever after its server has crashed. */
export interface Tally {
  readonly orders: number;
  /** The process of MongoDB that has it; `undefined`: unknown. */
  readonly server: string | undefined;
}

/**
 * Tells that nothing was saved since all blocks were counted. Where ten million orders have holes everywhere, since some of them are
 * dead letters, counting them again takes seconds. The collection's own count is relied on only where it was the same as what was
 * counted, key by key, and as long as the process lives that keeps it.
 */
export class UnchangedOrders {
  private counted: Tally | undefined;

  /**
   * All that is kept was counted and is right.
   * @param tally as it was before
   */
  note(tally: Tally, kept: ReadonlyMap<number, number>): void {
    this.counted = sumOf(kept) === tally.orders ? tally : undefined;
  }

  /** Whether what is kept is what was counted then, and all there is. */
  since({ orders, server }: Tally, kept: ReadonlyMap<number, number>): boolean {
    return (
      server !== undefined &&
      server === this.counted?.server &&
      orders === this.counted.orders &&
      orders === sumOf(kept)
    );
  }
}

function sumOf(kept: ReadonlyMap<number, number>): number {
  let sum = 0;
  for (const orders of kept.values()) sum += orders;
  return sum;
}
