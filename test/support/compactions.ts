import type { Db } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { chunksCollection, chunksOf } from '#orders/operation/acknowledged-chunks.js';
import { importRowsCollection } from '#orders/operation/import-rows.js';
import { intakeBatchesCollection } from '#orders/operation/intake-batches.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { blocksOf, settledBlocksCollection, type SettledBlock } from '#orders/settled/settled-blocks.js';
import { eventually } from './eventually.js';

/** Settings with which operations are compacted at once, and nothing is retained. */
export const COMPACTED_AT_ONCE = { COMPACTION_DELAY_SECONDS: '1', SETTLED_RETENTION_DAYS: '0' };

/** Waits until the bookkeeping of an operation is compacted, and returns its settled blocks. */
export async function compacted(db: Db, operationId: string, withinMs = 60_000): Promise<SettledBlock[]> {
  await eventually(`${operationId} is compacted`, withinMs, async () => {
    const operation = await operationsCollection(db).findOne({ _id: operationId });
    return operation?.compactedAt !== undefined;
  });
  return settledBlocksCollection(db).find(blocksOf(operationId)).sort({ _id: 1 }).toArray();
}

/** Counts the documents that the bookkeeping of an operation consists of. */
export async function bookkeepingOf(db: Db, operationId: string): Promise<Record<string, number>> {
  const counts = {
    chunks: chunksCollection(db).countDocuments(chunksOf(operationId)),
    rows: importRowsCollection(db).countDocuments({ operationId }),
    batches: intakeBatchesCollection(db).countDocuments({ operationId, state: 'acknowledged' }),
    letters: deadLettersCollection(db).countDocuments({ operationId }),
  };
  const entries = Object.entries(counts).map(async ([name, count]) => [name, await count] as const);
  return Object.fromEntries(await Promise.all(entries));
}
