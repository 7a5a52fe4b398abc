import { AsyncLocalStorage } from 'node:async_hooks';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import { positiveInteger, timer } from '../checks/value-checks.js';

/** Writes a batch; must not reject. @returns what gives the items their results, once the next batch may be written */
type BatchWrite<T> = (items: readonly T[]) => Promise<() => void>;

/** When a batch is complete. */
export interface BatcherOptions {
  /** Maximum items per batch. */
  readonly maxBatchSize: number;
  /**
   * The longest wait of an item for further items, in ms; 0: until the next turn of the event loop. It waits longer only while
   * `maxBatches` batches are being written.
   */
  readonly maxBatchWaitMs: number;
  /** Maximum concurrent batches. Default 2. The next batch grows while it waits, so a slower database gets larger batches. */
  readonly maxBatches?: number;
  readonly clock?: Clock;
}

/** For how long a writer that was idle may write without rest, in ms: it owes the rest until later. */
const MAX_OWED_MS = 50;
/** In how many steps a rest is divided. After each, a batch that has hardly grown is written. */
const STEPS = 8;
/** A batch that grew by a smaller part of itself in a step is written: while items arrive evenly, it grows by at least twice as much. */
const LEAST_GROWTH = 1 / 32;

/**
 * Collects single items into batches (group commit, as databases do with their logs). In MongoDB, a durable insert of one document
 * costs about 25 times as much as one document in an insert of a thousand.
 *
 * It finds out by itself how long to wait: the writer rests for as long as it wrote, so that it works at most half of the time. It may
 * owe up to 50 ms of that rest. So batches are small and prompt at low load, where items are written at once, and grow with
 * the load. A rest ends early when the batch is full, when an item has waited for `maxBatchWaitMs`, or when hardly any items arrive,
 * since waiting for more would gain nothing.
 *
 * Guarantees: every added item is in exactly one batch, in the order of the `add` calls. Not guaranteed: that concurrent batches end
 * in their order.
 */
export class BatchQueue<T> {
  private waiting: T[] = [];
  private waitingSince = 0;
  private running = 0;
  /** Since when at least one batch is being written. */
  private busySince = 0;
  /** When the writer has rested, or will have, for as long as it was busy before. */
  private restedAt = 0;
  private stepMs = 0;
  /** The number of waiting items at the last step; `undefined` before the first. */
  private sizeBefore: number | undefined;
  private cancelStep: (() => void) | undefined;
  private readonly maxBatches: number;
  private readonly clock: Clock;
  /** Leaves the context of the item that has completed a batch: the batch is not that one's only. */
  private readonly outside = AsyncLocalStorage.snapshot();

  /** @throws RangeError for an invalid limit */
  constructor(
    private readonly write: BatchWrite<T>,
    private readonly options: BatcherOptions,
    /** How many items probably fill a batch, where that is fewer than `maxBatchSize`, since others are added when it is written. */
    private readonly sizeNow = () => options.maxBatchSize,
  ) {
    const { maxBatchSize, maxBatchWaitMs, maxBatches = 2, clock = systemClock } = options;
    positiveInteger('maxBatchSize', maxBatchSize);
    timer(0)('maxBatchWaitMs', maxBatchWaitMs);
    positiveInteger('maxBatches', maxBatches);
    this.maxBatches = maxBatches;
    this.clock = clock;
  }

  /** Adds an item to the next batch. */
  add(item: T): void {
    if (this.waiting.length === 0) this.waitingSince = this.clock.now();
    this.waiting.push(item);
    this.schedule();
  }

  /** Writes a full batch now, and any other at a step: one that probably is full after the items that arrive together with its last. */
  private schedule(): void {
    if (this.waiting.length === 0 || this.running >= this.maxBatches) return;
    if (this.waiting.length >= this.options.maxBatchSize) return void this.outside(() => this.flush());
    if (this.waiting.length === this.sizeNow()) this.cancel();
    this.cancelStep ??= this.clock.after(this.nextStepMs(), () => this.outside(() => this.step()));
  }

  private step(): void {
    this.cancelStep = undefined;
    if (this.isDue()) void this.flush();
    else {
      this.sizeBefore = this.waiting.length;
      this.schedule();
    }
  }

  private isDue(): boolean {
    if (this.waiting.length >= this.sizeNow()) return true;
    const now = this.clock.now();
    if (now >= this.waitingSince + this.options.maxBatchWaitMs) return true;
    if (now >= this.restsUntil()) return true;
    if (this.running > 0) return false;
    return this.sizeBefore !== undefined && this.waiting.length - this.sizeBefore < this.waiting.length * LEAST_GROWTH;
  }

  private nextStepMs(): number {
    const now = this.clock.now();
    const longest = this.waitingSince + this.options.maxBatchWaitMs - now;
    // The items of this turn of the event loop arrive together: growth is counted from then.
    if (this.sizeBefore === undefined || this.waiting.length >= this.sizeNow()) return 0;
    if (this.running > 0) return Math.max(0, longest);
    return Math.max(0, Math.min(this.stepMs, this.restsUntil() - now, longest));
  }

  /** Returns from when on an item need not wait for more. */
  private restsUntil(): number {
    return this.restedAfter(this.running > 0 ? this.clock.now() - this.busySince : 0) - MAX_OWED_MS;
  }

  /** Returns when the writer will have rested enough, if it has been busy for this long since `busySince`. */
  private restedAfter(busyMs: number): number {
    return Math.max(this.restedAt, this.busySince) + 2 * busyMs;
  }

  private async flush(): Promise<void> {
    this.cancel();
    this.sizeBefore = undefined;
    const startedAt = this.clock.now();
    const batch = this.waiting.splice(0, this.sizeNow());
    this.waitingSince = startedAt;
    if (this.running === 0) this.busySince = startedAt;
    this.running += 1;
    this.schedule();
    const settle = await this.write(batch);
    this.running -= 1;
    if (this.running === 0) this.rest();
    this.cancel();
    this.schedule();
    settle();
  }

  private cancel(): void {
    this.cancelStep?.();
    this.cancelStep = undefined;
  }

  private rest(): void {
    const now = this.clock.now();
    const restMs = Math.min(now - this.busySince, this.options.maxBatchWaitMs);
    this.restedAt = Math.min(this.restedAfter(now - this.busySince), now + MAX_OWED_MS + restMs);
    this.stepMs = Math.max(1, Math.ceil(restMs / STEPS));
  }
}
