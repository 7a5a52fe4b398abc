import type { OrderCodec } from '#orders/order/order-codec.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { insertOrders } from '../../apps/consumer/src/bulk-insert.js';
import { OrderSaver } from '../../apps/consumer/src/order-saver.js';
import type { SaveMs } from './job.js';
import type { Meter } from './meter.js';
import { seededDelay } from './simulated-wait.js';

/** The defaults of the consumer app. */
const LIMITS = { maxBytes: 16_384, batchWaitMs: 100 };

/** Builds the consumer app's save, with a meter: wait, decode, write in batches. */
export function meteredSaver(
  { codec, mongo }: { codec: OrderCodec; mongo: Mongo },
  saveMs: SaveMs,
  meter: Meter,
): OrderSaver {
  const delay = seededDelay(saveMs);
  const meteredDelay: typeof delay = (next) => {
    const pass = delay(next);
    return (item) => {
      meter.begin();
      pass(item);
    };
  };
  return new OrderSaver(codec, meteredDelay, LIMITS, async (documents) => {
    const results = await insertOrders(mongo, documents);
    meter.finished(documents.length);
    return results;
  });
}
