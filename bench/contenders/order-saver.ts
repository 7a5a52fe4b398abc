import type { OrderCodec } from '#orders/order/order-codec.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { insertOrders } from '../../apps/consumer/src/save/bulk-insert.js';
import { OrderSaver } from '../../apps/consumer/src/save/order-saver.js';
import type { SaveMs } from './job.js';
import { simulatedDelay } from './simulated-wait.js';

/** The defaults of the consumer app. */
const LIMITS = { maxBytes: 16_384, batchWaitMs: 100 };

/** Builds the consumer app's save: wait, decode, write in batches. */
export function orderSaver({ codec, mongo }: { codec: OrderCodec; mongo: Mongo }, saveMs: SaveMs): OrderSaver {
  return new OrderSaver(codec, simulatedDelay(saveMs), LIMITS, async (documents) => insertOrders(mongo, documents));
}
