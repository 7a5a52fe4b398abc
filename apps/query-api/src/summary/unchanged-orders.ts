/** The document count in the metadata of the orders collection. It costs nothing to read, but can stay wrong after MongoDB has crashed. */
export interface Tally {
  readonly orders: number;
  /** The MongoDB process that reported the count, and the version of the archived ranges; `undefined`: unknown, or orders are being moved. */
  readonly source: string | undefined;
}

/**
 * Detects that no orders were saved since all blocks were counted.
 *
 * If dead letters leave holes in all blocks of ten million orders, counting the blocks again takes seconds. The collection's own count is
 * trusted only if it was equal to the counted index keys, and only while the same MongoDB process reports it and no orders are archived.
 */
export class UnchangedOrders {
  private counted: Tally | undefined;

  /**
   * Records that all stored rollups were counted and are up to date.
   * @param tally the document count before the blocks were counted
   */
  note(tally: Tally, kept: ReadonlyMap<number, number>): void {
    this.counted = sumOf(kept) === tally.orders ? tally : undefined;
  }

  /** Whether the stored rollups are those that were counted, and still include all orders. */
  since({ orders, source }: Tally, kept: ReadonlyMap<number, number>): boolean {
    return (
      source !== undefined &&
      source === this.counted?.source &&
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
