import { systemClock, type Clock } from '@orders-pipeline/clock';
import { positiveInteger, timer } from '../checks/value-checks.js';

/** Writes a batch. @returns one result per item, in their order. @throws when the outcome of all items is unknown */
export type BatchWriter<T, R> = (items: readonly T[]) => Promise<readonly R[]>;

/** When a batch is complete. */
export interface BatcherOptions {
  /** Maximum items per batch. */
  readonly maxBatchSize: number;
  /** How long the first item of a batch waits for further items, in ms; 0: until the next turn of the event loop. */
  readonly maxBatchWaitMs: number;
  /** Maximum concurrent batches. Default 2. The next batch grows while it waits, so a slower database gets larger batches. */
  readonly maxBatches?: number;
  readonly clock?: Clock;
}

/** A writer returned more or fewer results than its batch has items, so the results cannot be matched to items. */
export class BatchResultsError extends Error {
  override readonly name = 'BatchResultsError';
  readonly code = 'batch-results';

  constructor(items: number, results: number) {
    super(`a batch of ${items} items must return ${items} results in the same order, got ${results}`);
  }
}

/**
 * Collects single items into batches (group commit, as databases do with their logs). In MongoDB, a durable insert of one document
 * costs about 25 times as much as one document in an insert of a thousand. Each caller waits for its own item only.
 *
 * Guarantees: every added item is in exactly one batch, in the order of the `add` calls. Not guaranteed: that concurrent batches end
 * in their order.
 */
export class Batcher<T, R> {
  private waiting: { item: T; resolve: (result: R) => void; reject: (error: unknown) => void }[] = [];
  private running = 0;
  private cancelWait: (() => void) | undefined;
  private readonly maxBatches: number;
  private readonly clock: Clock;

  /** @throws RangeError for an invalid limit */
  constructor(
    private readonly write: BatchWriter<T, R>,
    private readonly options: BatcherOptions,
  ) {
    const { maxBatchSize, maxBatchWaitMs, maxBatches = 2, clock = systemClock } = options;
    positiveInteger('maxBatchSize', maxBatchSize);
    timer(0)('maxBatchWaitMs', maxBatchWaitMs);
    positiveInteger('maxBatches', maxBatches);
    this.maxBatches = maxBatches;
    this.clock = clock;
  }

  /** Adds an item to the next batch. @returns the item's result. @throws the error of its batch, or BatchResultsError */
  add(item: T): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.waiting.length === 0 || this.running >= this.maxBatches) return;
    if (this.waiting.length >= this.options.maxBatchSize) void this.flush();
    else this.cancelWait ??= this.clock.after(this.options.maxBatchWaitMs, () => void this.flush());
  }

  private async flush(): Promise<void> {
    this.cancelWait?.();
    this.cancelWait = undefined;
    if (this.running >= this.maxBatches) return;
    const batch = this.waiting.splice(0, this.options.maxBatchSize);
    this.running += 1;
    this.schedule();
    try {
      const results = await this.write(batch.map(({ item }) => item));
      if (results.length !== batch.length) throw new BatchResultsError(batch.length, results.length);
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as R);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.running -= 1;
      this.schedule();
    }
  }
}
