import type { OrderCodec } from '#orders/order-codec.js';
import type { OrderDocument } from '#orders/order-document.js';
import { Batcher } from '#parallel-consumer/attempts/batcher.js';
import type { Mongo } from '#service/mongo.js';
import { insertOrders } from '../../apps/consumer/src/bulk-insert.js';
import { OrderSaver } from '../../apps/consumer/src/order-saver.js';
import type { SaveMs } from './job.js';
import { simulatedWait } from './simulated-wait.js';

/** As in the consumer app's module. */
const BATCHES = { maxBatchSize: 1_000, maxBatchWaitMs: 10 };

/** The consumer app's whole save: wait, decode, write in batches. */
export function orderSaver({ codec, mongo }: { codec: OrderCodec; mongo: Mongo }, saveMs: SaveMs): OrderSaver {
  const inserts = new Batcher(async (documents: readonly OrderDocument[]) => insertOrders(mongo, documents), BATCHES);
  return new OrderSaver(codec, simulatedWait(saveMs), inserts);
}
