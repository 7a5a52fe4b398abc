import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Clock } from '#parallel-consumer/clock.js';
import type { BlockLayout } from './block-layout.js';
import { isStale, unfinishedBlocks, type KeptBlock } from './kept-block.js';
import type { OrderRollups } from './order-rollups.js';

/** How often to look whether anything was saved. */
const LOOK_EVERY_MS = 2_000;
/** So many times as long as it worked it rests: all but a twentieth of a processor is for those who save. */
const RESTS_FOR_WORK = 19;

/**
 * Makes rollups in the background, one at a time and resting between, of the blocks that are full or that nobody writes any more, so
 * that no order query has to. What fails, since MongoDB is away, is logged and tried again.
 */
export class RollupKeeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(RollupKeeper.name);
  /** How many orders of blocks that aren't full were saved at the last look. */
  private readonly counted = new Map<number, number>();
  /** The collection's own count, when all there was to do was done. */
  private doneAt: number | undefined;
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

  /** Resolves when the block in hand is done. */
  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.running;
  }

  /** Whether it makes all that is stale, without resting, since somebody waits for it. */
  get isHurrying(): boolean {
    return this.hurrying;
  }

  /** Has all that is stale made at once. */
  hurry(): void {
    this.hurrying = true;
    this.wake();
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      const inHurry = this.hurrying;
      try {
        await this.lookAround();
        // What a look that began before has passed over is still to be done.
        if (inHurry) this.hurrying = false;
      } catch (error) {
        this.hurrying = false;
        this.logger.warn({ reason: String(error) }, 'rollups can not be made: trying again');
      }
      if (!this.hurrying) await this.rest(LOOK_EVERY_MS);
    }
  }

  private async lookAround(): Promise<void> {
    const { orders } = await this.rollups.tally();
    if (orders === this.doneAt && !this.hurrying) return;
    const blocks = unfinishedBlocks(this.layout, await this.rollups.highestNumber(), await this.rollups.kept());
    let isDone = true;
    for (const block of blocks) {
      if (this.stopping) return;
      const began = this.clock.now();
      isDone = (await this.lookAt(block)) && isDone;
      if (!this.hurrying) await this.rest(RESTS_FOR_WORK * (this.clock.now() - began));
    }
    this.doneAt = isDone ? orders : undefined;
  }

  /** @returns whether nothing is left to do for it, unless more of its orders are saved */
  private async lookAt(block: KeptBlock): Promise<boolean> {
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

  private async rest(milliseconds: number): Promise<void> {
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
