import { ArchiveError } from '#orders/archive/archive-manifest.js';
import type { ArchiveFolder } from '#orders/archive/archive-folder.js';
import { storesIds } from '#orders/archive/archived-ids.js';
import { runsOf, type ArchivedRange } from '#orders/archive/archived-ranges.js';
import type { OrdersStore } from './archive-store.js';
import { inBatches } from './in-batches.js';
import type { Pace } from './pace.js';

/** Orders per removal. MongoDB yields within one, so that saves do not wait for its end, and each waits once for the journal. */
const BATCH = 4_000;

export interface RemovalContext {
  readonly store: OrdersStore;
  readonly folder: ArchiveFolder;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

/** Removes the orders of listed ranges from MongoDB, by their archives, which must be verified. */
export class OrdersRemoval {
  constructor(private readonly context: RemovalContext) {}

  /** Stores the ids of a range's orders where they can't be computed, so that such an order is not taken for a new one. */
  async storeIds(range: ArchivedRange): Promise<void> {
    if (!storesIds(range)) return;
    await this.forEachBatch(range, async (documents) => this.context.store.storeIds(range, documents));
  }

  /**
   * Removes the orders that are in the archive, and no others, and marks the range as archived.
   * @throws ArchiveError `archive-differs` if other orders have numbers of the range
   */
  async remove(range: ArchivedRange): Promise<void> {
    const { store } = this.context;
    await this.forEachBatch(range, async (documents) => store.remove(documents));
    const others = await store.count(runsOf(range));
    if (others > 0)
      throw new ArchiveError(
        'archive-differs',
        `${others} orders with numbers of ${range.archive} are not in its file, and were not removed: find out by npm run reconcile -- ${range.operationId} who saved them.`,
      );
    await store.change(range, 'archived');
  }

  private async forEachBatch(
    { archive }: ArchivedRange,
    work: (documents: readonly Buffer[]) => Promise<void>,
  ): Promise<void> {
    const { folder, pace, signal } = this.context;
    for await (const documents of inBatches(folder.read(archive), BATCH)) {
      signal.throwIfAborted();
      await pace.work(async () => work(documents));
    }
  }
}
