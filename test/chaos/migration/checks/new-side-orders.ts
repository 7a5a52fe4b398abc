import type { Db } from 'mongodb';
import type { OrderDocument } from '#orders/order/order-document.js';
import type { StoredOrder } from './stored-order.js';

const PRICE_DECIMALS = 4;

/** An order of the new side, with its place on the topic. */
export interface NewSideOrder extends StoredOrder {
  /** Whether the facade sent it, not an import. */
  readonly isSent: boolean;
  readonly partition: number;
  readonly offset: number;
}

/** Reads MongoDB's collection itself: neither the query API nor the facade is asked. */
export async function newSideOrders(db: Db): Promise<readonly NewSideOrder[]> {
  const documents = await db.collection<OrderDocument>('orders').find({}, { promoteLongs: true }).toArray();
  const intakes = await db
    .collection<{ _id: string; kind: string }>('operations')
    .find({ kind: 'intake' }, { projection: { _id: 1 } })
    .toArray();
  const sent = new Set(intakes.map(({ _id }) => _id));
  return documents.map(({ _id, legacy, accountId, quantity, ingest, ...order }) => {
    const money = [order.price, order.amount].map((value) => Number(value.toString()).toFixed(PRICE_DECIMALS));
    const content = [order.side, order.symbol, ...money, order.currency, order.createdAt.toISOString()];
    return {
      id: _id.toHexString(),
      number: Number(legacy?.number ?? 0),
      accountId,
      quantity,
      content: content.join(' '),
      isSent: sent.has(ingest.operationId?.toHexString() ?? ''),
      partition: ingest.partition,
      offset: Number(ingest.offset),
    };
  });
}

/** Counts the write intents that are not final, in the facade's own documents. */
export async function openIntents(db: Db): Promise<number> {
  const open = await db
    .collection<{ open: readonly unknown[] }>('migrationBuckets')
    .find({ 'open.id': { $exists: true } })
    .toArray();
  return open.reduce((count, bucket) => count + bucket.open.length, 0);
}
