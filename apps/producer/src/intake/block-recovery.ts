import { packOrders, unpackOrders, unpackValues, type IntakeBatch } from '#orders/numbering/intake-batches.js';
import type { ReservedBlock } from '#orders/numbering/number-blocks.js';
import type { IntakeStore } from './intake-store.js';
import type { IntakeTopic } from './intake-topic.js';
import { abandoned, skip } from './built-batch.js';

/** What records of a batch are built from and sent with. */
export type BatchTopic = Pick<IntakeTopic, 'gate' | 'intakeRecord' | 'decode' | 'send'>;

/**
 * Decides what became of a block whose process crashed, or lost a response. Several processes may do that at once, also the one that
 * reserved the block: the unique first number of a batch decides between them.
 */
export class BlockRecovery {
  /** @param now MongoDB's time */
  constructor(
    private readonly store: IntakeStore,
    private readonly topic: BatchTopic,
    private readonly now: () => Date,
  ) {}

  /** Abandons the numbers of the block that are in no batch, then sends its reserved batches again. */
  async settle(block: ReservedBlock): Promise<void> {
    const batches = await this.abandonGaps(block);
    for (const batch of batches) if (batch.state === 'reserved') await this.resend(batch);
  }

  /**
   * Sends a reserved batch. Its records may be on the topic already: the same orders again are harmless.
   * Nothing else is safe, because a record that isn't on the topic now may still be on its way.
   */
  async resend(batch: IntakeBatch): Promise<void> {
    await this.topic.gate.pass(async () => this.send(batch));
  }

  private async send(batch: IntakeBatch): Promise<void> {
    const { _id: first, operationId, from } = batch;
    const orders = await Promise.all(unpackValues(batch).map(async (value) => this.topic.decode(value)));
    const stored = unpackOrders(batch);
    const records = orders.map((order, position) => {
      const createdAtAssigned = stored[position]?.createdAtAssigned ?? false;
      return this.topic.intakeRecord(order, { operationId, index: from + position, createdAtAssigned });
    });
    const parts = await this.topic.send(records);
    // The topic may have got more partitions since the batch was stored.
    const placed = stored.map(({ id, hash, partition, createdAtAssigned }, position) => ({
      id,
      hash,
      partition: records[position]?.partition ?? partition,
      createdAtAssigned,
    }));
    await this.store.acknowledge([{ first, parts, orders: packOrders(placed) }]);
  }

  private async abandonGaps(block: ReservedBlock): Promise<readonly IntakeBatch[]> {
    for (;;) {
      const batches = await this.store.findInBlock(block.first, block.first + block.count - 1);
      const gap = firstGap(block, batches);
      if (gap === undefined) return batches;
      // Another process may have stored a batch there meanwhile: look again.
      await this.store.insert([abandoned(gap, this.now())]);
    }
  }
}

/** Returns the first numbers of a block that are in no batch, up to the next batch. */
function firstGap(block: ReservedBlock, batches: readonly IntakeBatch[]): ReservedBlock | undefined {
  let rest = block;
  for (const { _id, count } of batches) {
    if (_id > rest.first) return { ...rest, count: _id - rest.first };
    rest = skip(block, _id + count - block.first);
  }
  return rest.count > 0 ? rest : undefined;
}
