import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Clock } from '@orders-pipeline/clock';
import type { BlockLayout } from './block-layout.js';
import { isStale, unfinishedBlocks, type KeptBlock } from './kept-block.js';
import type { OrderRollups } from './order-rollups.js';

/** How often the keeper checks whether orders were saved. */
const CHECK_INTERVAL_MS = 2_000;
/** The ratio of pauses to work: the keeper uses 1/20 of a CPU core, so that it does not slow down the consumers. */
const PAUSE_PER_WORK = 19;

/**
 * Builds rollups in the background, so that requests do not have to: one at a time, with pauses, for blocks that are full or no longer
 * change. Failures, such as an unavailable MongoDB, are logged and retried.
 */
export class RollupKeeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(RollupKeeper.name);
  /** The saved orders of each block that was not full at the last check. */
  private readonly counted = new Map<number, number>();
  /** The collection's own document count when all rollups were up to date; `undefined`: they are not. */
  private upToDateCount: number | undefined;
  private hurrying = false;
  private stopping = false;
  private running: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;

  constructor(
    private readonly rollups: Pick<OrderRollups, 'highestNumber' | 'tally' | 'kept' | 'saved' | 'make'>,
    private readonly layout: BlockLayout,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  /** Stops the keeper. Resolves after the current block. */
  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.running;
  }

  /** Whether the keeper builds all stale rollups without pauses, because a request needs them. */
  get isHurrying(): boolean {
    return this.hurrying;
  }

  /** Makes the keeper build all stale rollups now, without pauses. */
  hurry(): void {
    this.hurrying = true;
    this.wake();
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      const inHurry = this.hurrying;
      try {
        await this.checkBlocks();
        // Only a check that hurried from its start has built all stale rollups: an earlier one may have skipped some.
        if (inHurry) this.hurrying = false;
      } catch (error) {
        this.hurrying = false;
        this.logger.warn({ reason: String(error) }, 'building rollups failed, retrying');
      }
      if (!this.hurrying) await this.pause(CHECK_INTERVAL_MS);
    }
  }

  private async checkBlocks(): Promise<void> {
    const { orders } = await this.rollups.tally();
    if (orders === this.upToDateCount && !this.hurrying) return;
    const blocks = unfinishedBlocks(this.layout, await this.rollups.highestNumber(), await this.rollups.kept());
    let isUpToDate = true;
    for (const block of blocks) {
      if (this.stopping) return;
      const startedAt = this.clock.now();
      isUpToDate = (await this.checkBlock(block)) && isUpToDate;
      if (!this.hurrying) await this.pause(PAUSE_PER_WORK * (this.clock.now() - startedAt));
    }
    this.upToDateCount = isUpToDate ? orders : undefined;
  }

  /** Rebuilds the rollup of a block if it is stale. @returns false for a block that still changes and is checked again later */
  private async checkBlock(block: KeptBlock): Promise<boolean> {
    const saved = await this.rollups.saved(block.block);
    const before = this.counted.get(block.block);
    if (saved === this.layout.size) this.counted.delete(block.block);
    else this.counted.set(block.block, saved);
    if (!isStale(block, saved)) return true;
    const isBeingWritten = saved !== this.layout.size && saved !== before;
    if (isBeingWritten && !this.hurrying) return false;
    await this.rollups.make(block);
    return true;
  }

  private async pause(milliseconds: number): Promise<void> {
    if (this.stopping || milliseconds === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.clock.after(milliseconds, resolve);
      this.wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
