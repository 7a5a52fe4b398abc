import type { FetchedBatch } from '../kafka/broker.js';
import type { ConsumedRecord } from '../record.js';

/** One fetch that is being worked through, and the next one. */
const MAX_BATCHES = 2;

/** Fetched records of one partition that the window has no room for yet: two fetches at most. */
export class PartitionBuffer {
  private readonly batches: FetchedBatch[] = [];
  private peeked: ConsumedRecord | undefined;

  /** Whether there is room for another fetch. */
  get hasRoom(): boolean {
    return this.batches.length < MAX_BATCHES;
  }

  /** The fetch that the next record is of. */
  get current(): FetchedBatch | undefined {
    return this.batches[0];
  }

  push(batch: FetchedBatch): void {
    this.batches.push(batch);
  }

  /**
   * The next record of the current fetch, which stays until it is taken. @returns undefined when the fetch has no more, or
   * there is none: see `current`
   * @throws UnreadableRecordsError
   */
  peek(): ConsumedRecord | undefined {
    if (this.peeked === undefined) this.peeked = this.batches[0]?.records.next().value;
    return this.peeked;
  }

  take(): void {
    this.peeked = undefined;
  }

  /** Drops the current fetch, which is worked through. */
  shift(): void {
    this.batches.shift();
  }

  clear(): void {
    this.batches.length = 0;
    this.peeked = undefined;
  }
}
