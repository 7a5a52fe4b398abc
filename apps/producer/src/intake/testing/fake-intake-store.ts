import type { IntakeBatch } from '#orders/operation/intake-batches.js';
import type { ReservedBlock } from '#orders/operation/number-blocks.js';
import type { AcknowledgedBatch, BatchFigures, BlockRequest, InsertOutcome, IntakeStore } from '../intake-store.js';

/** The intake's store in memory. */
export class FakeIntakeStore implements IntakeStore {
  /** The highest reserved number. */
  highest = 0;
  readonly batches = new Map<number, IntakeBatch>();
  private blocks: ReservedBlock[] = [];

  async reserve(block: BlockRequest, recorded: readonly number[]) {
    const first = this.highest + 1;
    this.highest += block.count;
    await this.forget(recorded);
    this.blocks.push({ ...block, first });
    return { first, unrecorded: [...this.blocks] };
  }

  async unrecorded(): Promise<readonly ReservedBlock[]> {
    return Promise.resolve([...this.blocks]);
  }

  async forget(firsts: readonly number[]): Promise<void> {
    this.blocks = this.blocks.filter(({ first }) => !firsts.includes(first));
    return Promise.resolve();
  }

  async insert(batches: readonly IntakeBatch[]): Promise<InsertOutcome> {
    let outcome: InsertOutcome = 'stored';
    for (const batch of batches) {
      const keys = batch.requests?.map(({ key }) => key) ?? [];
      if (this.batches.has(batch._id)) outcome = 'taken';
      else if (this.having(keys).length > 0) outcome = 'key-used';
      if (outcome !== 'stored') break;
      this.batches.set(batch._id, batch);
    }
    return Promise.resolve(outcome);
  }

  async findByKeys(keys: readonly string[]): Promise<IntakeBatch[]> {
    return Promise.resolve(this.having(keys));
  }

  async findInBlock(first: number, last: number): Promise<IntakeBatch[]> {
    return Promise.resolve(this.sorted().filter(({ _id }) => _id >= first && _id <= last));
  }

  async findReserved(operationId: string): Promise<IntakeBatch[]> {
    return Promise.resolve(
      this.sorted().filter((each) => each.operationId === operationId && each.state === 'reserved'),
    );
  }

  async acknowledge(batches: readonly AcknowledgedBatch[]): Promise<void> {
    for (const { first, parts, orders } of batches) {
      const batch = this.batches.get(first);
      if (batch?.state !== 'reserved') continue;
      const { values: _values, ...kept } = batch;
      this.batches.set(first, { ...kept, state: 'acknowledged', parts, ...(orders !== undefined && { orders }) });
    }
    return Promise.resolve();
  }

  async figures(operationId: string): Promise<BatchFigures> {
    const own = this.sorted().filter((each) => each.operationId === operationId && each.state !== 'abandoned');
    const acked = own.filter(({ state }) => state === 'acknowledged');
    return Promise.resolve({ count: ordersOf(own), acked: ordersOf(acked) });
  }

  /** Returns all batches, ordered by number. */
  sorted(): IntakeBatch[] {
    return [...this.batches.values()].toSorted((a, b) => a._id - b._id);
  }

  private having(keys: readonly string[]): IntakeBatch[] {
    return this.sorted().filter(({ requests }) => requests?.some(({ key }) => keys.includes(key)));
  }
}

function ordersOf(batches: readonly IntakeBatch[]): number {
  return batches.reduce((sum, { count }) => sum + count, 0);
}
