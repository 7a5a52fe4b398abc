import type { ReservedBlock } from '#orders/numbering/number-blocks.js';

/** The operation that this process puts new orders into. */
export class OpenOperation {
  /** Orders in stored batches, and those that Kafka has acknowledged. */
  count = 0;
  acked = 0;
  /** Batches that are being sent, and blocks that are being recovered. */
  running = 0;
  /** Whether a batch was settled without its figures: they must be counted again. */
  isInexact = false;
  private isClosed = false;
  private nextIndex = 0;
  /** First numbers of the reserved blocks that are still listed as unrecorded. */
  private readonly known = new Set<number>();
  /** Those of them whose batches are stored. */
  private readonly stored = new Set<number>();

  constructor(readonly id: string) {}

  /** Whether it takes no more batches: its day is over, or another process has taken it over. */
  get isOver(): boolean {
    return this.isClosed;
  }

  close(): void {
    this.isClosed = true;
  }

  /** Takes the next indexes. Those of a failed reservation stay unused. @returns the first one */
  takeIndexes(count: number): number {
    const from = this.nextIndex;
    this.nextIndex += count;
    return from;
  }

  get recorded(): number[] {
    return [...this.stored];
  }

  noteRecorded(first: number): void {
    if (this.known.has(first)) this.stored.add(first);
  }

  /**
   * Takes note of a reservation.
   * @param recorded the blocks that the reservation has removed from the list
   * @param listed the blocks that are listed as unrecorded now
   * @returns blocks of this operation whose reservation seemed to fail: they have no batch
   */
  noteReserved(first: number, recorded: readonly number[], listed: readonly ReservedBlock[]): ReservedBlock[] {
    for (const each of recorded) {
      this.stored.delete(each);
      this.known.delete(each);
    }
    this.known.add(first);
    const strays = listed.filter((block) => block.operationId === this.id && !this.known.has(block.first));
    for (const { first: stray } of strays) this.known.add(stray);
    return strays;
  }
}
