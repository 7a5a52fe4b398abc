import { ArchiveError } from '#orders/archive/archive-manifest.js';
import { DocumentsHash } from '#orders/archive/archive-file.js';
import { storesIds } from '#orders/archive/archived-ids.js';
import { runsOf, type ArchivedRange } from '#orders/archive/archived-ranges.js';
import { verifyArchiveOf } from '#orders/archive/archive-folder.js';
import { inBatches } from './in-batches.js';
import type { RemovalContext } from './orders-removal.js';

/** Orders per insert. */
const BATCH = 4_000;

/**
 * Moves archived orders back to MongoDB: verifies the archive before it changes anything, inserts its orders, compares all of them, and
 * only then takes the range from the list. It can be interrupted and repeated at each step. The archive stays in its folder.
 */
export class BringBack {
  constructor(private readonly context: RemovalContext) {}

  /** @throws ArchiveError `archive-missing`, `archive-newer`, `archive-damaged`, `archive-differs` */
  async run(range: ArchivedRange): Promise<void> {
    const { store, folder, pace, signal } = this.context;
    await verifyArchiveOf(folder, range);
    await store.change(range, 'returning');
    for await (const documents of inBatches(folder.read(range.archive), BATCH)) {
      signal.throwIfAborted();
      await pace.work(async () => store.insert(documents));
    }
    await this.compare(range);
    if (storesIds(range))
      for await (const documents of inBatches(folder.read(range.archive), BATCH)) {
        signal.throwIfAborted();
        await pace.work(async () => store.forgetIds(documents));
      }
    await store.unlist(range);
  }

  /** All orders must be stored as they are in the archive. */
  private async compare(range: ArchivedRange): Promise<void> {
    const { store, pace } = this.context;
    const stored = new DocumentsHash();
    for await (const documents of pace.each(store.documents(runsOf(range)))) stored.add(documents);
    const { count, documents } = stored.digest();
    if (count === range.count && documents.sha256 === range.sha256) return;
    throw new ArchiveError(
      'archive-differs',
      `MongoDB has other orders than ${range.archive} for its numbers (${count} stored, ${range.count} in the archive): other orders have their ids or numbers. The range stays listed. Find them by npm run reconcile -- ${range.operationId}.`,
    );
  }
}
