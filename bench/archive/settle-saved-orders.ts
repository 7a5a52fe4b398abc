import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import { isEmitted, operationsCollection } from '#orders/operation/operation.js';
import { ackedBlocks, settledBlocksCollection } from '#orders/settled/settled-blocks.js';
import { verifyEmitted } from '#reconcile/verify-block.js';
import { Mongo } from '#service/mongodb/mongo.js';

/**
 * Stores the settled blocks of all orders in a database, as the producer does an hour after their operation has ended, and without its
 * pauses. @throws Error if an order is not as it was sent
 */
export async function settleSavedOrders(uri: string): Promise<void> {
  const mongo = new Mongo(uri, 'bench');
  const { db } = mongo;
  const nothing = new Map<number, number>();
  const sources = {
    db,
    positions: { committed: nothing, ends: nothing, lettersAreProjected: true },
    archivedIds: ArchivedIds.of(db, ArchivedList.of(db)),
  };
  try {
    for await (const operation of operationsCollection(db).find({ status: 'succeeded' })) {
      if (!isEmitted(operation)) continue;
      for (const acked of ackedBlocks(operation.segments)) {
        const verified = await verifyEmitted(operation, acked, sources);
        if (verified.kind !== 'settled')
          throw new Error(`orders of ${operation._id} are not settled: ${verified.reason}`);
        const { block } = verified;
        await settledBlocksCollection(db).insertOne({ ...block, verifiedAt: mongo.time.now(), isCompacted: true });
      }
    }
  } finally {
    await mongo.client.close();
  }
}
