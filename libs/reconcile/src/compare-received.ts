import type { IntakeBatch } from '#orders/operation/intake-batches.js';
import type { IntakeDocument } from '#orders/operation/operation.js';
import { ahead } from './ahead.js';
import { checkBlock, type Block } from './check-block.js';
import type { CheckContext } from './check-context.js';
import { documentsOfRuns } from './documents-of-runs.js';
import { batchPositions, expectedOf, runsOf } from './received-blocks.js';
import { StoredOrders } from './stored-orders.js';

const NO_FAULTS: ReturnType<Block['faultsAt']> = { instead: undefined, extras: [] };

type Loaded = Block & { readonly batches: readonly IntakeBatch[] };

/**
 * Compares acknowledged batches with what is stored, by the hashes that were stored before the orders were sent.
 * @param groups batches that are compared together
 * @returns the number of orders
 */
export async function compareReceived(
  operation: IntakeDocument,
  groups: AsyncIterable<readonly IntakeBatch[]>,
  context: CheckContext,
): Promise<number> {
  const { db, missing, findings, signal, onChecked, onCompared } = context;
  const stored = new StoredOrders(db, operation);
  const hasLetters = await stored.hasLetters();
  const load = async (batches: readonly IntakeBatch[]): Promise<Loaded> => {
    const [from, to] = [batches[0]?.from ?? 0, endOf(batches.at(-1))];
    // Read letters before documents, as for other operations.
    const letters = hasLetters ? await stored.letters({ from, to }) : [];
    const documents = await documentsOfRuns(db, runsOf(batches));
    return { batches, range: { from, to }, orders: expectedOf(batches), faultsAt: () => NO_FAULTS, documents, letters };
  };
  let done = 0;
  for await (const block of ahead(groups, load)) {
    signal?.throwIfAborted();
    const unaccounted = checkBlock(block, findings);
    if (unaccounted.length > 0) await missing.explain(unaccounted, batchPositions(block.batches));
    done += block.orders.length;
    onCompared?.(block);
    await onChecked?.(block.orders.length);
  }
  return done;
}

function endOf(batch: IntakeBatch | undefined): number {
  return batch === undefined ? 0 : batch.from + batch.count;
}
