import { Long } from 'mongodb';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { toDocument, type OrderDocument, ordersCollection } from '#orders/order/order-document.js';
import type { LegacyOrder } from '#orders/order/order.js';
import { Mongo } from '#service/mongodb/mongo.js';
import type { HttpServer } from '../reads/http-server.js';

const PER_PAGE = 1_000;
const ZONE = new LegacyTimeZone('UTC');

/**
 * Has the legacy system invent orders, and saves them in MongoDB too.
 * @param count a multiple of 1,000
 * @returns their ids
 */
export async function migratedOrders(
  legacy: HttpServer,
  mongodbUri: string,
  count: number,
): Promise<readonly string[]> {
  const { statusCode, body } = await legacy.pool.request({ method: 'POST', path: `/populate?count=${count}` });
  if (statusCode !== 201) throw new Error(`populate: ${statusCode} ${await body.text()}`);
  await body.dump();
  const mongo = new Mongo(mongodbUri, 'bench');
  const ids: string[] = [];
  try {
    for (let page = 1; page <= count / PER_PAGE; page += 1) {
      const parsed = parseStrictJson(await legacy.text(`/orders/page/${page}`));
      const orders = ('value' in parsed ? (parsed.value as unknown[]) : []).map((value) => {
        const read = fromLegacy(value, ZONE);
        if ('reason' in read) throw new Error(JSON.stringify(read.reason));
        return read.order;
      });
      ids.push(...orders.map(({ id }) => id));
      const savedAt = new Date();
      await ordersCollection(mongo.db).insertMany(orders.map((order) => documentOf(order, savedAt)));
    }
    return ids;
  } finally {
    await mongo.client.close();
  }
}

function documentOf(order: LegacyOrder, savedAt: Date): OrderDocument {
  const { number } = order.legacy;
  const ingest = { operationId: null, partition: 0, offset: Long.fromNumber(number), attempts: 1, savedAt };
  return toDocument({ ...order, number }, ingest);
}
