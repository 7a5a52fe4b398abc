import type { NumberStore } from './number-store.js';

interface Block {
  readonly period: number;
  next: number;
  readonly end: number;
  readonly chosen: ReadonlySet<number>;
}

/**
 * Assigns legacy numbers from blocks of this instance. A block belongs to the period since writes last left `off`: in `off` the legacy
 * system assigns numbers itself, so the rest of an earlier block may be in use. A crash leaves the rest of a block as holes.
 */
export class NumberBlocks {
  private block: Block | undefined;
  private taking: Promise<void> | undefined;

  constructor(
    private readonly store: NumberStore,
    private readonly size: number,
  ) {}

  /** @param period the period of the bucket that the number is for */
  async take(period: number): Promise<number> {
    for (;;) {
      const number = this.fromBlock(period);
      if (number !== undefined) return number;
      this.taking ??= this.takeBlock(period).finally(() => {
        this.taking = undefined;
      });
      await this.taking;
    }
  }

  private fromBlock(period: number): number | undefined {
    const { block } = this;
    if (block?.period !== period) return undefined;
    while (block.chosen.has(block.next)) block.next += 1;
    if (block.next >= block.end) return undefined;
    block.next += 1;
    return block.next - 1;
  }

  private async takeBlock(period: number): Promise<void> {
    const first = await this.store.take(this.size);
    const end = first + this.size;
    this.block = { period, next: first, end, chosen: await this.store.chosen(first, end - 1) };
  }
}
