import type { AbortedTransaction } from '../protocol/fetch-request.js';
import type { RecordBatch } from './record-batch.js';

/**
 * Finds the batches of one fetch that belong to aborted transactions, exactly as read_committed requires (KIP-98): a producer's
 * batches are aborted from the first offset that the broker lists on, until that producer's marker. Batches must be given in
 * the order of their offsets.
 */
export class AbortedTransactions {
  /** Not reached yet, by first offset: brokers send them in the order in which the transactions ended. */
  private readonly ahead: AbortedTransaction[];
  private readonly producers = new Set<number>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.ahead = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Whether the batch holds nothing to hand out: a marker, or records of an aborted transaction. */
  hides(batch: RecordBatch): boolean {
    while (this.ahead[0] !== undefined && this.ahead[0].firstOffset <= batch.lastOffset) {
      this.producers.add(this.ahead[0].producerId);
      this.ahead.shift();
    }
    if (!batch.isControl) return batch.isTransactional && this.producers.has(batch.producerId);
    // A marker of either kind ends the producer's transaction: what it writes next is another one.
    this.producers.delete(batch.producerId);
    return true;
  }
}
