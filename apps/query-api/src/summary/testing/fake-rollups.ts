import type { ManualClock } from '#parallel-consumer/testing/manual-clock.js';
import type { KeptBlock } from '../kept-block.js';
import type { Tally } from '../unchanged-orders.js';

/** The numbers of orders of blocks, saved and rolled up, without any order. */
export class FakeRollups {
  /** Orders that each rollup holds, by its block. */
  readonly rolledUp = new Map<number, number>();
  /** The blocks that were made, in this order. */
  readonly made: number[] = [];
  /** How often it was asked what is kept. */
  looks = 0;
  /** How often it was counted what is saved of a block. */
  counts = 0;
  /** How many blocks fail from here on. */
  failures = 0;
  /** How long the making of one takes, in milliseconds. */
  madeWithin = 0;

  /** @param present orders that are saved of each block, from block 0; blocks have 100 numbers */
  constructor(
    readonly present: number[],
    private readonly clock: ManualClock,
  ) {}

  async highestNumber(): Promise<number> {
    return this.present.length * 100;
  }

  async tally(): Promise<Tally> {
    return { orders: this.present.reduce((sum, each) => sum + each, 0), server: 'a' };
  }

  async kept(): Promise<Map<number, number>> {
    this.looks += 1;
    return new Map(this.rolledUp);
  }

  async saved(block: number): Promise<number> {
    this.counts += 1;
    return this.present[block] ?? 0;
  }

  async make({ block }: KeptBlock): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('MongoDB is away');
    }
    if (this.madeWithin > 0) await new Promise<void>((resolve) => void this.clock.after(this.madeWithin, resolve));
    this.made.push(block);
    this.rolledUp.set(block, this.present[block] ?? 0);
  }
}
