import { systemClock, type Clock } from '../clock.js';
import { requireWholeNumbers } from '../options.js';

/** Writes a batch. @returns one result for each item, in their order. @throws when nothing is certain of any */
export type BatchWriter<T, R> = (items: readonly T[]) => Promise<readonly R[]>;

export interface BatcherOptions {
  /** Items of one batch at the most. */
  readonly maxBatchSize: number;
  /** How long the first item of a batch waits for company, in ms; 0: until the next turn of the event loop. */
  readonly maxBatchWaitMs: number;
  /** Batches under way at once. Default 2. While all are, the next one grows: the slower the database, the larger the batches. */
  readonly maxBatches?: number;
  readonly clock?: Clock;
}

/** A writer answered with more or fewer results than its batch has items: what became of which can't be told. */
export class BatchResultsError extends Error {
  override readonly name = 'BatchResultsError';
  readonly code = 'batch-results';

  constructor(items: number, results: number) {
    super(`a batch of ${items} items ended in ${results} results: return exactly one for each item, in their order`);
  }
}

/**
 * Gathers single items into batches, as databases do with their logs (group commit): a durable insert of one document
 * costs MongoDB some 25 times as much as a document in an insert of a thousand. Each caller waits for its own item.
 *
 * Guarantees: every added item is in exactly one batch, in the order of adding. Not guaranteed: that a later batch ends
 * after an earlier one, with more than one under way.
 */
export class Batcher<T, R> {
  private waiting: { item: T; resolve: (result: R) => void; reject: (error: unknown) => void }[] = [];
  private underWay = 0;
  private cancelWait: (() => void) | undefined;
  private readonly maxBatches: number;
  private readonly clock: Clock;

  /** @throws RangeError for a bound that can't be used */
  constructor(
    private readonly write: BatchWriter<T, R>,
    private readonly options: BatcherOptions,
  ) {
    const { maxBatchSize, maxBatches = 2, clock = systemClock } = options;
    requireWholeNumbers({ maxBatchSize, maxBatches });
    this.maxBatches = maxBatches;
    this.clock = clock;
  }

  /** @returns the item's own result. @throws what its batch threw, or BatchResultsError */
  add(item: T): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.waiting.length === 0 || this.underWay >= this.maxBatches) return;
    if (this.waiting.length >= this.options.maxBatchSize) void this.flush();
    else this.cancelWait ??= this.clock.after(this.options.maxBatchWaitMs, () => void this.flush());
  }

  private async flush(): Promise<void> {
    this.cancelWait?.();
    this.cancelWait = undefined;
    if (this.underWay >= this.maxBatches) return;
    const batch = this.waiting.splice(0, this.options.maxBatchSize);
    this.underWay += 1;
    this.schedule();
    try {
      const results = await this.write(batch.map(({ item }) => item));
      if (results.length !== batch.length) throw new BatchResultsError(batch.length, results.length);
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as R);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.underWay -= 1;
      this.schedule();
    }
  }
}
