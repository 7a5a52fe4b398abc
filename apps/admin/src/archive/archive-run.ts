import { pause, type Clock } from '@orders-pipeline/clock';
import { ArchiveError, type ArchiveManifest } from '#orders/archive/archive-manifest.js';
import { DocumentsHash } from '#orders/archive/archive-file.js';
import { type ArchiveFolder, verifyArchiveOf } from '#orders/archive/archive-folder.js';
import { storesIds } from '#orders/archive/archived-ids.js';
import { runsOf, type ArchivedRange } from '#orders/archive/archived-ranges.js';
import { type Positions, type TopicPositions, ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { figure } from '../environment.js';
import type { Pace } from '../pace.js';
import { BlockFiles, UnfitBlockError, type Inspection } from './archive-block.js';
import type { ArchiveBlock, ArchiveStore, Selection } from './archive-store.js';

/** Orders per removal and per insert. MongoDB yields within one, so that saves do not wait for its end, and each waits once for the journal. */
const BATCH = 4_000;

/** What archiving and bringing back work with. */
interface MoveContext {
  readonly store: ArchiveStore;
  readonly folder: ArchiveFolder;
  readonly pace: Pace;
  /** Aborts between two steps; a later run continues. */
  readonly signal: AbortSignal;
}

interface ArchiveRunContext extends MoveContext {
  readonly selection: Selection;
  /** The offsets of the group that saves orders, and the ends of the topic. */
  readonly positions: TopicPositions;
  readonly clock: Clock;
  /** How long a range is listed before its orders are removed, in ms. */
  readonly removeAfterMs: number;
  readonly print: (line: string) => void;
}

export interface ArchiveResult {
  readonly archives: number;
  readonly orders: number;
  /** Blocks that are too new. */
  readonly tooNew: number;
  /** Why other orders were left, a line for each operation or block. */
  readonly left: readonly string[];
}

/**
 * Moves orders from MongoDB to files. For each block:
 *
 * 1. writes the file and its manifest, durably;
 * 2. reads both again: the file must have the bytes of its manifest, and MongoDB the same orders, which must have the digest of their
 *    verified block;
 * 3. lists the range. From now on, nothing saves its orders again;
 * 4. waits until no process works with an older list, and removes exactly the orders of the file;
 * 5. marks the range as archived.
 *
 * Every step can be repeated, so a run that ended anywhere is continued by the next one.
 */
export class ArchiveRun {
  private readonly files: BlockFiles;
  /** Ranges that are listed, and whose orders are not removed yet. */
  private readonly listed: ArchivedRange[] = [];
  private archives = 0;
  private orders = 0;
  private tooNew = 0;
  private readonly left: string[] = [];

  constructor(private readonly context: ArchiveRunContext) {
    this.files = new BlockFiles(context);
  }

  /** @throws ArchiveError, or the error of MongoDB's driver or kafkajs; what was done so far stays */
  async run(): Promise<ArchiveResult> {
    await this.resume();
    for await (const candidate of this.context.store.candidates(this.context.selection)) {
      this.context.signal.throwIfAborted();
      if ('left' in candidate) this.left.push(candidate.left);
      else await this.archive(candidate.block);
      await this.removeDue();
    }
    while (this.listed.length > 0) await this.removeNext();
    const { archives, orders, tooNew, left } = this;
    return { archives, orders, tooNew, left };
  }

  /** Continues with ranges whose orders an earlier run began to remove, or that a consumer has saved again since. */
  private async resume(): Promise<void> {
    const { store, folder, print } = this.context;
    for (const range of await store.ranges()) {
      const isBack = range.state === 'archived' && (await store.count(runsOf(range))) > 0;
      if (range.state !== 'removing' && !isBack) continue;
      print(isBack ? `${range.archive} is in MongoDB again: removing it` : `continuing with ${range.archive}`);
      await verifyArchiveOf(folder, range);
      if (isBack) await store.change(range, 'removing');
      await this.prepareRemoval(range);
    }
  }

  private async archive(block: ArchiveBlock): Promise<void> {
    try {
      const { manifest, inspection } = await this.files.verified(block);
      await this.list(block, manifest, inspection);
    } catch (error) {
      if (!(error instanceof UnfitBlockError)) throw error;
      if (error.isTooNew) this.tooNew += 1;
      else this.leave(block, error.message);
    }
  }

  private async list(block: ArchiveBlock, manifest: ArchiveManifest, inspection: Inspection): Promise<void> {
    const { store, positions, print, signal } = this.context;
    signal.throwIfAborted();
    // In this order: what is committed is never beyond the ends.
    const committed = await positions.committed(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC);
    const behind = inspection.uncommitted(committed, await positions.ends(ORDERS_TOPIC));
    if (behind !== undefined)
      return this.leave(block, `the consumers have not committed its records on partition ${behind}: wait for them`);
    const { first, last, runs, operation, from, count, discarded, elsewhere, savedAt, name, documents, file } =
      manifest;
    const now = store.now();
    const range: ArchivedRange = {
      _id: first,
      last,
      ...(runs !== undefined && { runs }),
      operationId: operation.id,
      kind: operation.kind,
      from,
      count,
      discarded,
      elsewhere,
      savedAt: { from: new Date(savedAt.from), to: new Date(savedAt.to) },
      archive: name,
      sha256: documents.sha256,
      state: 'removing',
      positions: offsetsOf(committed),
      at: now,
      changedAt: now,
    };
    await store.list(range);
    print(`${name}: ${figure(count)} orders, ${figure(Math.ceil(file.bytes / 1_000))} kB, verified`);
    await this.prepareRemoval(range);
  }

  /** Stores the ids of a range's orders where they can't be computed, so that such an order is not taken for a new one. */
  private async prepareRemoval(range: ArchivedRange): Promise<void> {
    const { store } = this.context;
    if (storesIds(range))
      await forEachBatch(this.context, range, async (documents) => store.storeIds(range, documents));
    this.listed.push(range);
  }

  /** Removes the orders of ranges that are listed for long enough. */
  private async removeDue(): Promise<void> {
    while (this.listed[0] !== undefined && this.waitMs(this.listed[0]) <= 0) await this.removeNext();
  }

  private async removeNext(): Promise<void> {
    const [range] = this.listed;
    if (range === undefined) return;
    const { signal, clock } = this.context;
    while (this.waitMs(range) > 0) {
      signal.throwIfAborted();
      await pause(clock, Math.min(1_000, this.waitMs(range)));
    }
    await this.remove(range);
    this.listed.shift();
    this.archives += 1;
    this.orders += range.count;
  }

  /**
   * Removes the orders that are in the archive, which must be verified, and no others, and marks the range as archived.
   * @throws ArchiveError `archive-differs` if other orders have numbers of the range
   */
  private async remove(range: ArchivedRange): Promise<void> {
    const { store } = this.context;
    await forEachBatch(this.context, range, async (documents) => store.remove(documents));
    const others = await store.count(runsOf(range));
    if (others > 0)
      throw new ArchiveError(
        'archive-differs',
        `${others} orders with numbers of ${range.archive} are not in its file, and were not removed: find out by npm run reconcile -- ${range.operationId} who saved them.`,
      );
    await store.change(range, 'archived');
  }

  private waitMs({ at }: ArchivedRange): number {
    return at.getTime() + this.context.removeAfterMs - this.context.store.now().getTime();
  }

  private leave(block: ArchiveBlock, reason: string): void {
    const { first, last } = block.ends;
    this.left.push(`${block.kind} ${block.operationId}, orders ${figure(first)} to ${figure(last)}: ${reason}`);
  }
}

function offsetsOf(committed: Positions): number[] {
  const partitions = Math.max(-1, ...committed.keys()) + 1;
  return Array.from({ length: partitions }, (_, partition) => committed.get(partition) ?? 0);
}

/**
 * Moves archived orders back to MongoDB: verifies the archive before it changes anything, inserts its orders, compares all of them, and
 * only then takes the range from the list. It can be interrupted and repeated at each step. The archive stays in its folder.
 * @throws ArchiveError `archive-missing`, `archive-newer`, `archive-damaged`, `archive-differs`
 */
export async function bringBack(context: MoveContext, range: ArchivedRange): Promise<void> {
  const { store, folder } = context;
  await verifyArchiveOf(folder, range);
  await store.change(range, 'returning');
  await forEachBatch(context, range, async (documents) => store.insert(documents));
  await requireStored(context, range);
  if (storesIds(range)) await forEachBatch(context, range, async (documents) => store.forgetIds(documents));
  await store.unlist(range);
}

/** All orders must be stored as they are in the archive. */
async function requireStored({ store, pace }: MoveContext, range: ArchivedRange): Promise<void> {
  const stored = new DocumentsHash();
  for await (const documents of pace.each(store.documents(runsOf(range)))) stored.add(documents);
  const { count, documents } = stored.digest();
  if (count === range.count && documents.sha256 === range.sha256) return;
  throw new ArchiveError(
    'archive-differs',
    `MongoDB has other orders than ${range.archive} for its numbers (${count} stored, ${range.count} in the archive): other orders have their ids or numbers. The range stays listed. Find them by npm run reconcile -- ${range.operationId}.`,
  );
}

/** Reads an archive in batches of one size; the last one may be smaller. */
async function forEachBatch(
  { folder, pace, signal }: MoveContext,
  { archive }: ArchivedRange,
  work: (documents: readonly Buffer[]) => Promise<void>,
): Promise<void> {
  let batch: Buffer[] = [];
  const end = async (): Promise<void> => {
    signal.throwIfAborted();
    await pace.work(async () => work(batch));
    batch = [];
  };
  for await (const documents of folder.read(archive))
    for (const document of documents) {
      batch.push(document);
      if (batch.length === BATCH) await end();
    }
  if (batch.length > 0) await end();
}
