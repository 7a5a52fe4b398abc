import type { ManualClock } from '@orders-pipeline/clock/testing';
import type { KeptBlock } from '../kept-block.js';
import type { Tally } from '../unchanged-orders.js';

/** Fakes the rollups by counts only: the number of saved and rolled-up orders per block. */
export class FakeRollups {
  /** The number of orders in each rollup, by block. */
  readonly rolledUp = new Map<number, number>();
  /** The blocks that were built, in this order. */
  readonly made: number[] = [];
  /** How often the stored rollups were read. */
  reads = 0;
  /** How often the saved orders of a block were counted. */
  counts = 0;
  /** How many of the next builds fail. */
  failures = 0;
  /** How long one build takes, in milliseconds. */
  madeWithin = 0;

  /** @param present the number of saved orders per block, from block 0; a block has 100 numbers */
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
    this.reads += 1;
    return new Map(this.rolledUp);
  }

  async saved(block: number): Promise<number> {
    this.counts += 1;
    return this.present[block] ?? 0;
  }

  async make({ block }: KeptBlock): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('MongoDB is unavailable');
    }
    if (this.madeWithin > 0) await new Promise<void>((resolve) => void this.clock.after(this.madeWithin, resolve));
    this.made.push(block);
    this.rolledUp.set(block, this.present[block] ?? 0);
  }
}
