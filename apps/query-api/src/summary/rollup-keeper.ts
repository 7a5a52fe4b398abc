import { HttpStatus, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { succeededWithin, type Clock } from '@orders-pipeline/clock';
import type { ArchivedShare } from '#orders/archive/archived-ranges.js';
import { Problem } from '#service/http/problem.js';
import { timeLimit } from '#orders/time-limit.js';
import type { OrderRollups, RollupBlock, Tally } from './order-rollups.js';

/** How long a request waits for stale rollups. Twenty rollups take about a second on an idle machine. */
const MAX_WAIT_MS = timeLimit(4_000);
const CONCURRENT_BLOCKS = 4;
/** How often the background work checks whether orders were saved. */
const CHECK_INTERVAL_MS = 2_000;
/** The ratio of pauses to background work: it uses 1/20 of a CPU core, so that it does not slow down the consumers. */
const PAUSE_PER_WORK = 19;

/**
 * Keeps the rollups up to date. For requests, it rebuilds all stale rollups at once. In the background, it builds one at a time, with
 * pauses, of blocks that are full or no longer change. Background failures, such as an unavailable MongoDB, are logged and retried.
 */
export class RollupKeeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(RollupKeeper.name);
  private readonly unchanged = new UnchangedOrders();
  private readonly update = new SharedRun(async () =>
    this.refreshBlocks(CONCURRENT_BLOCKS, async (block) => this.refresh(block)),
  );
  /** The saved orders of each block at the last background check. */
  private readonly counted = new Map<number, number>();
  private stopping = false;
  private running: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;

  constructor(
    private readonly rollups: Pick<
      OrderRollups,
      'blockSize' | 'highestNumber' | 'tally' | 'kept' | 'archived' | 'saved' | 'build'
    >,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  /** Stops the background work. Resolves after the current block. Requests are still served until MongoDB is disconnected. */
  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.running;
  }

  /**
   * Resolves once the rollups include each order that was saved before the call.
   * @returns the highest order number that was reserved by then
   * @throws Problem 503 `summary-being-prepared` if that takes longer than four seconds; the work goes on. The driver's error while
   *   MongoDB is unavailable
   */
  async through(): Promise<number> {
    // Waits for a primary, and fails without one, like every other read. The time limit is only for the building.
    await this.rollups.highestNumber();
    const update = this.update.result();
    if (!(await succeededWithin(this.clock, MAX_WAIT_MS, update))) throw beingPrepared();
    return update;
  }

  /**
   * Refreshes each block whose rollup may be stale. That of a full block is not, unless orders of it are archived. A block whose orders are
   * all archived has none.
   * @param refresh returns whether the rollup was fresh
   * @returns the highest reserved order number, read before
   */
  private async refreshBlocks(concurrency: number, refresh: (block: RollupBlock) => Promise<boolean>): Promise<number> {
    // The tally is read first: orders saved after it are either counted below, or change the next tally.
    const tally = await this.rollups.tally();
    const through = await this.rollups.highestNumber();
    const kept = await this.rollups.kept();
    if (this.unchanged.since(tally, kept)) return through;
    const shareOf = await this.rollups.archived();
    const size = this.rollups.blockSize;
    const blocks = Array.from({ length: Math.ceil(through / size) }, (_, block) => ({
      block,
      kept: kept.get(block) ?? 0,
    }))
      .filter((block) => mayBeStale(block, size, shareOf(block.block)))
      .values();
    let areFresh = true;
    // All workers share one iterator, so each block is taken once.
    const worker = async (): Promise<void> => {
      for (const block of blocks) areFresh = (await refresh(block)) && areFresh;
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    if (areFresh) this.unchanged.note(tally, kept);
    return through;
  }

  private async refresh(block: RollupBlock): Promise<boolean> {
    if ((await this.rollups.saved(block.block)) === block.kept) return true;
    await this.rollups.build(block);
    return false;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      try {
        await this.refreshBlocks(1, async (block) => {
          if (this.stopping) return false;
          const startedAt = this.clock.now();
          const wasFresh = await this.refreshSettled(block);
          await this.pause(PAUSE_PER_WORK * (this.clock.now() - startedAt));
          return wasFresh;
        });
      } catch (error) {
        this.logger.warn({ reason: String(error) }, 'building rollups failed, retrying');
      }
      await this.pause(CHECK_INTERVAL_MS);
    }
  }

  /** Like `refresh`, but skips a block that is still being written: it would soon be stale again. */
  private async refreshSettled(block: RollupBlock): Promise<boolean> {
    const saved = await this.rollups.saved(block.block);
    const before = this.counted.get(block.block);
    this.counted.set(block.block, saved);
    if (saved === block.kept) return true;
    if (saved === this.rollups.blockSize || saved === before) await this.rollups.build(block);
    return false;
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

function mayBeStale({ kept }: RollupBlock, size: number, archived: ArchivedShare): boolean {
  if (archived === 'some') return true;
  return archived === 'all' ? kept !== 0 : kept !== size;
}

function beingPrepared(): Problem {
  return new Problem(
    HttpStatus.SERVICE_UNAVAILABLE,
    'summary-being-prepared',
    'Many orders are not summed up yet. They are now being summed up, which takes some seconds per million orders. Retry later.',
  );
}

/**
 * Runs work once for all concurrent callers. Callers that arrive during a run share the next one, because the current run may have missed
 * changes that were made after its start.
 */
export class SharedRun<T> {
  private current: Promise<unknown> = Promise.resolve();
  private next: Promise<T> | undefined;

  constructor(private readonly work: () => Promise<T>) {}

  /**
   * Waits for a run that starts after this call.
   * @returns the result of that run
   * @throws the failure of that run
   */
  async result(): Promise<T> {
    this.next ??= this.follow();
    return this.next;
  }

  private async follow(): Promise<T> {
    // Its own callers get its failure.
    await this.current.catch(() => undefined);
    this.next = undefined;
    const run = this.work();
    this.current = run;
    return run;
  }
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
