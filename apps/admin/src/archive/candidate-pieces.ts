import type { Db } from 'mongodb';
import { ArchiveError } from '#orders/archive/archive-manifest.js';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import { ackedCount, hasOrders, operationsCollection, type OrdersDocument } from '#orders/operation/operation.js';
import { blocksOf, settledBlocksCollection, type SettledBlock } from '#orders/settled/settled-blocks.js';
import type { Candidate } from './archive-store.js';
import { pieceOf } from './piece.js';

/** Which orders are to be archived. */
export interface Selection {
  /** Orders that were saved before this time. */
  readonly before: Date;
  /** Those of one operation; `undefined`: of all. */
  readonly operationId?: string | undefined;
}

/**
 * Yields the settled blocks of all selected operations that are not listed, oldest operation first: their orders are known to be complete,
 * and their digests are stored. An operation that was requested after the date has no order from before it.
 * @throws ArchiveError `archive-refused` for an operation that does not exist or has no orders
 */
export async function* candidatePieces(db: Db, selection: Selection, now: Date): AsyncGenerator<Candidate> {
  const list = await ArchivedList.of(db).fresh();
  for (const id of await selectedIds(db, selection)) {
    const operation = await operationsCollection(db).findOne({ _id: id });
    if (operation === null || !hasOrders(operation) || operation.count === 0) continue;
    const reason = unfinishedReason(operation, now);
    if (reason !== undefined) {
      yield { left: `${operation.kind} ${id}: ${reason}` };
      continue;
    }
    yield* unlisted(db, operation, list);
  }
}

async function selectedIds(db: Db, { before, operationId }: Selection): Promise<string[]> {
  if (operationId !== undefined) await requireOrders(db, operationId);
  const filter = operationId === undefined ? {} : { _id: operationId };
  const found = await operationsCollection(db)
    .find({ ...filter, kind: { $ne: 'redrive' }, requestedAt: { $lt: before } })
    .sort({ _id: 1 })
    .project<{ _id: string }>({ _id: 1 })
    .toArray();
  return found.map(({ _id }) => _id);
}

async function requireOrders(db: Db, operationId: string): Promise<void> {
  const operation = await operationsCollection(db).findOne({ _id: operationId });
  if (operation === null) throw new ArchiveError('archive-refused', `There is no operation ${operationId}.`);
  if (!hasOrders(operation))
    throw new ArchiveError(
      'archive-refused',
      'A redrive has no orders of its own: archive the operations whose dead letters it redrove.',
    );
}

/** Returns why an operation may still get orders; `undefined` if it has ended. */
function unfinishedReason(operation: OrdersDocument, now: Date): string | undefined {
  const { status } = operation;
  if (status === 'running' || status === 'paused') return `it is ${status}: archive it when it has ended`;
  const isSending = operation.segments.some(({ lease }) => lease !== null && lease.expiresAt > now);
  return isSending ? 'a producer still sends the last of its orders: try again in a minute' : undefined;
}

/** Yields the settled blocks of an operation that are not listed, and how many orders are in no settled block. */
async function* unlisted(db: Db, operation: OrdersDocument, list: ArchivedList): AsyncGenerator<Candidate> {
  const listed = new Set(list.rangesOf(operation._id).map(({ _id }) => _id));
  let settled = 0;
  // Many short queries, because archiving takes hours.
  for (let next = 0; ;) {
    const block = await nextBlock(db, operation._id, next);
    if (block === null) break;
    settled += block.count;
    next = block.to;
    if (!listed.has(block.first)) yield { piece: pieceOf(operation, block) };
  }
  const left = ackedCount(operation) - settled;
  if (left > 0)
    yield {
      left: `${operation.kind} ${operation._id}: ${left.toLocaleString('en-US')} orders are not settled yet: wait for COMPACTION_DELAY_SECONDS after its end, and redrive or discard its dead letters`,
    };
}

async function nextBlock(db: Db, operationId: string, from: number): Promise<SettledBlock | null> {
  return settledBlocksCollection(db).findOne(
    { ...blocksOf(operationId, from), isCompacted: true },
    { sort: { _id: 1 }, readConcern: { level: 'majority' } },
  );
}
