import type { IntakeBatch } from '#orders/operation/intake-batches.js';
import type { IntakeDocument } from '#orders/operation/operation.js';
import { ahead } from './ahead.js';
import { checkBlock, type Block } from './check-block.js';
import { checkUnsent } from './check-emitted.js';
import type { CheckContext } from './check-context.js';
import { batchGroups, batchPositions, documentsOf, expectedOf } from './received-blocks.js';
import { StoredOrders } from './stored-orders.js';

const NO_FAULTS: ReturnType<Block['faultsAt']> = { instead: undefined, extras: [] };

/** The numbers of orders that were compared. */
export interface ReceivedCounts {
  readonly acked: number;
  /** Orders of batches that are not acknowledged yet. */
  readonly reserved: number;
}

type Loaded = Block & { readonly batches: readonly IntakeBatch[] };

/** Checks the orders that an intake has received: batch by batch, with the hashes that were stored before they were sent. */
export async function checkReceived(operation: IntakeDocument, context: CheckContext): Promise<ReceivedCounts> {
  const acked = await checkAcknowledged(operation, context);
  const reserved = await checkReserved(operation, context);
  await checkAbandoned(operation, context);
  return { acked, reserved };
}

async function checkAcknowledged(operation: IntakeDocument, context: CheckContext): Promise<number> {
  const { db, missing, findings, signal, onProgress } = context;
  const stored = new StoredOrders(db, operation);
  const hasLetters = await stored.hasLetters();
  const load = async (batches: readonly IntakeBatch[]): Promise<Loaded> => {
    const [from, to] = [batches[0]?.from ?? 0, endOf(batches.at(-1))];
    // Read letters before documents, as for other operations.
    const letters = hasLetters ? await stored.letters({ from, to }) : [];
    const documents = await documentsOf(db, batches);
    return { batches, range: { from, to }, orders: expectedOf(batches), faultsAt: () => NO_FAULTS, documents, letters };
  };
  let done = 0;
  for await (const block of ahead(batchGroups(db, operation._id, 'acknowledged'), load)) {
    signal?.throwIfAborted();
    const unaccounted = checkBlock(block, findings);
    if (unaccounted.length > 0) await missing.explain(unaccounted, batchPositions(block.batches));
    done += block.orders.length;
    onProgress?.(done, Math.max(done, operation.acked));
  }
  return done;
}

/** Checks batches that are not acknowledged: their orders may be on the topic. */
async function checkReserved({ _id }: IntakeDocument, { db, findings, signal }: CheckContext): Promise<number> {
  let reserved = 0;
  for await (const batches of batchGroups(db, _id, 'reserved')) {
    signal?.throwIfAborted();
    const orders = expectedOf(batches);
    checkUnsent(orders, await documentsOf(db, batches), findings);
    reserved += orders.length;
  }
  return reserved;
}

/** No order has the number of an abandoned batch. */
async function checkAbandoned({ _id }: IntakeDocument, { db, findings, signal }: CheckContext): Promise<void> {
  for await (const batches of batchGroups(db, _id, 'abandoned')) {
    signal?.throwIfAborted();
    checkUnsent([], await documentsOf(db, batches), findings);
  }
}

function endOf(batch: IntakeBatch | undefined): number {
  return batch === undefined ? 0 : batch.from + batch.count;
}
