import type { Collection, Db } from 'mongodb';
import type { OrderDocument } from './order-document.js';

/** The collection of saved orders. */
export function ordersCollection(db: Db): Collection<OrderDocument> {
  return db.collection<OrderDocument>('orders');
}
