import type { AbortedTransaction } from '../protocol/fetch-request.js';
import type { RecordBatch } from './record-batch.js';

/**
 * Finds the batches of one fetch that belong to aborted transactions, as read_committed requires (KIP-98). The batches of a
 * producer are aborted from the first offset that the broker lists up to that producer's next marker. Batches must be passed in
 * offset order.
 */
export class AbortedTransactions {
  /** Transactions not reached yet, sorted by first offset. Brokers list them in the order in which they ended. */
  private readonly ahead: AbortedTransaction[];
  private readonly producers = new Set<number>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.ahead = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Returns whether the batch is to be skipped: it is a marker, or its transaction was aborted. */
  hides(batch: RecordBatch): boolean {
    while (this.ahead[0] !== undefined && this.ahead[0].firstOffset <= batch.lastOffset) {
      this.producers.add(this.ahead[0].producerId);
      this.ahead.shift();
    }
    if (!batch.isControl) return batch.isTransactional && this.producers.has(batch.producerId);
    // A commit or abort marker ends the producer's transaction: its next batch belongs to another one.
    this.producers.delete(batch.producerId);
    return true;
  }
}
