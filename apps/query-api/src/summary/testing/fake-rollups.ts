import type { ArchivedShare } from '#orders/archive/archived-list.js';
import type { ManualClock } from '@orders-pipeline/clock/testing';
import type { RollupBlock } from '../order-rollups.js';
import type { Tally } from '../unchanged-orders.js';

/** Fakes the rollups by counts only: the number of saved and rolled-up orders per block. */
export class FakeRollups {
  readonly blockSize = 100;
  /** The number of orders in each rollup, by block. */
  readonly rolledUp = new Map<number, number>();
  /** The blocks that were built, in this order. */
  readonly built: number[] = [];
  /** The blocks whose saved orders were counted, in this order. */
  readonly counted: number[] = [];
  /** How much of a block is archived; `none` unless it is set. */
  readonly shares = new Map<number, ArchivedShare>();
  /** How many of the next builds fail. */
  failures = 0;
  /** How long each read of the highest number waits for a primary, in milliseconds. */
  withoutPrimaryFor = 0;
  /** How long one build takes, in milliseconds. */
  builtWithin = 0;

  /** @param present the number of saved orders per block, from block 0; a block has 100 numbers */
  constructor(
    readonly present: number[],
    private readonly clock: ManualClock,
    /** The highest reserved number. */
    readonly highest = present.length * 100,
  ) {}

  async highestNumber(): Promise<number> {
    await this.pass(this.withoutPrimaryFor);
    return this.highest;
  }

  async tally(): Promise<Tally> {
    return { orders: this.present.reduce((sum, each) => sum + each, 0), source: 'a' };
  }

  async kept(): Promise<Map<number, number>> {
    return new Map(this.rolledUp);
  }

  async archived(): Promise<(block: number) => ArchivedShare> {
    return (block) => this.shares.get(block) ?? 'none';
  }

  async saved(block: number): Promise<number> {
    this.counted.push(block);
    return this.present[block] ?? 0;
  }

  async build({ block }: RollupBlock): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('MongoDB is unavailable');
    }
    await this.pass(this.builtWithin);
    this.built.push(block);
    this.rolledUp.set(block, this.present[block] ?? 0);
  }

  private async pass(milliseconds: number): Promise<void> {
    if (milliseconds > 0) await new Promise<void>((resolve) => void this.clock.after(milliseconds, resolve));
  }
}
