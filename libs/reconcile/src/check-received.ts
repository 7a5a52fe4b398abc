import type { IntakeDocument } from '#orders/operation/operation.js';
import {
  besideSettled,
  blocksOf,
  settledBlocksCollection,
  type SettledTotals,
} from '#orders/settled/settled-blocks.js';
import { addFindings, withOwnFindings, type CheckContext, type ReconcileContext } from './check-context.js';
import { checkUnsent } from './check-emitted.js';
import { checkSettled } from './check-settled.js';
import { compareReceived } from './compare-received.js';
import { documentsOfRuns } from './documents-of-runs.js';
import { batchGroups, expectedOf, runsOf } from './received-blocks.js';

const MAJORITY = { readConcern: { level: 'majority' } } as const;

/** The numbers of orders that were compared. */
export interface ReceivedCounts {
  readonly acked: number;
  /** Orders of batches that are not acknowledged yet. */
  readonly reserved: number;
}

/** Checks the orders that an intake has received: settled blocks by their digests, other batches order by order. */
export async function checkReceived(operation: IntakeDocument, context: ReconcileContext): Promise<ReceivedCounts> {
  const [own, counts] = await besideSettled(context.db, operation._id, async (settled) => {
    const attempt = withOwnFindings(context, operation);
    return [attempt, await checkBeside(operation, settled, attempt)] as const;
  });
  addFindings(context, own);
  return counts;
}

async function checkBeside(
  operation: IntakeDocument,
  settled: SettledTotals,
  context: ReconcileContext,
): Promise<ReceivedCounts> {
  const { db } = context;
  const { _id: id } = operation;
  if (settled.blocks > 0)
    for await (const block of settledBlocksCollection(db).find(blocksOf(id), MAJORITY).sort({ _id: 1 }))
      await checkSettled(block, operation, context);
  const acknowledged = batchGroups(db, id, 'acknowledged', settled);
  const acked = settled.count + (await compareReceived(operation, acknowledged, context));
  const reserved = await checkReserved(operation, settled, context);
  await checkAbandoned(operation, context);
  return { acked, reserved };
}

/** Checks batches that are not acknowledged: their orders may be on the topic. */
async function checkReserved(
  { _id }: IntakeDocument,
  settled: SettledTotals,
  { db, findings, signal }: CheckContext,
): Promise<number> {
  let reserved = 0;
  for await (const batches of batchGroups(db, _id, 'reserved', settled)) {
    signal?.throwIfAborted();
    const orders = expectedOf(batches);
    checkUnsent(orders, await documentsOfRuns(db, runsOf(batches)), findings);
    reserved += orders.length;
  }
  return reserved;
}

/** No order has the number of an abandoned batch. These batches are never removed, also between settled ones. */
async function checkAbandoned({ _id }: IntakeDocument, { db, findings, signal }: CheckContext): Promise<void> {
  for await (const batches of batchGroups(db, _id, 'abandoned', { ranges: [] })) {
    signal?.throwIfAborted();
    checkUnsent([], await documentsOfRuns(db, runsOf(batches)), findings);
  }
}
