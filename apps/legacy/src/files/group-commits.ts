import { fileOf, UncertainWriteError, type ChunkFiles, type StoredOrder } from './chunk-files.js';

/** Thrown when another order has the number. */
export class NumberInUseError extends Error {
  override readonly name = 'NumberInUseError';
  readonly statusCode = 409;
}

interface Write {
  readonly number: number;
  readonly order: StoredOrder;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Adds orders to files, one replacement of a file after another. All orders that arrive while a file is being replaced are in its
 * next replacement, so that thousands of orders a second share some hundred syncs.
 */
export class GroupCommits {
  /** The waiting writes of each file that is being replaced. */
  private readonly waiting = new Map<number, Write[]>();

  /** @param onUncertain called when the outcome of a write is unknown; it must end the process, and the write gets no answer */
  constructor(
    private readonly files: ChunkFiles,
    private readonly onUncertain: (error: UncertainWriteError) => void,
  ) {}

  /**
   * Adds an order durably. Orders are added in the order of the calls.
   * @throws NumberInUseError; any other error means that the order is not stored
   */
  add(number: number, order: StoredOrder): Promise<void> {
    const write = { number, order, done: Promise.withResolvers<void>() };
    const index = fileOf(number);
    const waiting = this.waiting.get(index);
    if (waiting === undefined) {
      this.waiting.set(index, [write]);
      void this.commitAll(index);
    } else waiting.push(write);
    return write.done.promise;
  }

  private async commitAll(index: number): Promise<void> {
    // Writes of the same turn of the event loop are in the first replacement.
    await Promise.resolve();
    for (;;) {
      const batch = this.waiting.get(index)?.splice(0) ?? [];
      if (batch.length === 0) break;
      await this.commit(index, batch);
    }
    this.waiting.delete(index);
  }

  private async commit(index: number, batch: readonly Write[]): Promise<void> {
    try {
      const chunk = new Map(await this.files.read(index));
      const accepted = batch.filter(({ number, order, done }) => {
        const isTaken = chunk.has(number);
        if (isTaken) done.reject(new NumberInUseError(`number ${number} is in use`));
        else chunk.set(number, order);
        return !isTaken;
      });
      if (accepted.length > 0) await this.files.replace(index, new Map([...chunk].toSorted(([a], [b]) => a - b)));
      for (const { done } of accepted) done.resolve();
    } catch (error) {
      if (error instanceof UncertainWriteError) return this.onUncertain(error);
      for (const { done } of batch) done.reject(error);
    }
  }
}
