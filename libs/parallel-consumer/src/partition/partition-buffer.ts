import type { FetchedBatch } from '../broker/broker.js';
import type { ConsumedRecord } from '../records/record.js';

/** The current fetch and the next one. */
const MAX_BATCHES = 2;

/** Holds up to two fetches of one partition until the window has room for their records. */
export class PartitionBuffer {
  private readonly batches: FetchedBatch[] = [];
  private readonly arrivals: number[] = [];
  private peeked: ConsumedRecord | undefined;

  /** Whether there is room for another fetch. */
  get hasRoom(): boolean {
    return this.batches.length < MAX_BATCHES;
  }

  /** The fetch that contains the next record. */
  get current(): FetchedBatch | undefined {
    return this.batches[0];
  }

  /** When the current fetch arrived, in ms since 1970. */
  get arrivedAt(): number {
    return this.arrivals[0] ?? 0;
  }

  /** Whether `peek` decompresses a batch. */
  get mustDecompress(): boolean {
    return this.peeked === undefined && this.batches[0]?.decompression?.mustDecompress === true;
  }

  /** Size of the decompressed batches, in bytes. */
  get decompressedBytes(): number {
    return this.batches[0]?.decompression?.decompressedBytes ?? 0;
  }

  /** Drops the decompressed batches; the next record's batch is decompressed again. */
  release(): void {
    this.peeked?.detach?.();
    this.batches[0]?.decompression?.release();
  }

  /** @param now milliseconds since 1970 */
  push(batch: FetchedBatch, now: number): void {
    this.batches.push(batch);
    this.arrivals.push(now);
  }

  /**
   * Returns the next record of the current fetch without removing it; `take` removes it.
   * @returns undefined when the current fetch has no more records, or when `current` is undefined
   * @throws UnreadableRecordsError when the next batch can't be decoded
   */
  peek(): ConsumedRecord | undefined {
    if (this.peeked === undefined) this.peeked = this.batches[0]?.records.next().value;
    return this.peeked;
  }

  take(): void {
    this.peeked = undefined;
  }

  /** Drops the current fetch. */
  shift(): void {
    this.batches.shift();
    this.arrivals.shift();
  }

  clear(): void {
    this.batches.length = 0;
    this.arrivals.length = 0;
    this.peeked = undefined;
  }
}
