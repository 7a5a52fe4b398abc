import { display } from '../checks/value-checks.js';
import { BatchQueue, type BatcherOptions } from './batch-queue.js';

/** Writes a batch. @returns one result per item, in their order. @throws when the outcome of all items is unknown */
export type BatchWriter<T, R> = (items: readonly T[]) => Promise<readonly R[]>;

/** A writer returned no list, more or fewer results than its batch has items, or one of a wrong type, so the outcome of the items is unknown. */
export class BatchResultsError extends Error {
  override readonly name = 'BatchResultsError';
  readonly code = 'batch-results';

  /** @param wrongAt index of the first result of a wrong type */
  constructor(items: number, results: unknown, wrongAt?: number) {
    const list: unknown[] | undefined = Array.isArray(results) ? results : undefined;
    if (wrongAt === undefined) {
      const got = list?.length ?? `${display(results)} instead of a list`;
      super(`a batch of ${items} items must return ${items} results in the same order, got ${got}`);
    } else
      super(
        `a batch must return undefined or an Error for each item, got ${display(list?.[wrongAt])} for item ${wrongAt}`,
      );
  }
}

/** Returns the results of a batch. JavaScript has no compiler that would find a forgotten `return`. @throws BatchResultsError */
export function checkedResults<R>(results: readonly R[], items: number): readonly R[] {
  if (!Array.isArray(results) || results.length !== items) throw new BatchResultsError(items, results);
  return results;
}

/** An item that waits for its result. */
interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects single items into batches, as `BatchQueue` does. Each caller waits for its own item only. */
export class Batcher<T, R> {
  private readonly queue: BatchQueue<Waiting<T, R>>;

  /** @throws RangeError for an invalid limit */
  constructor(
    private readonly write: BatchWriter<T, R>,
    options: BatcherOptions,
  ) {
    this.queue = new BatchQueue(async (waiting) => this.writeAll(waiting), options);
  }

  /** Adds an item to the next batch. @returns the item's result. @throws the error of its batch, or BatchResultsError */
  add(item: T): Promise<R> {
    return new Promise<R>((resolve, reject) => this.queue.add({ item, resolve, reject }));
  }

  private async writeAll(waiting: readonly Waiting<T, R>[]): Promise<() => void> {
    try {
      const results = checkedResults(await this.write(waiting.map(({ item }) => item)), waiting.length);
      return () => {
        for (const [index, { resolve }] of waiting.entries()) resolve(results[index] as R);
      };
    } catch (error) {
      return () => {
        for (const { reject } of waiting) reject(error);
      };
    }
  }
}
