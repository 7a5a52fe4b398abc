import { Long, type Db } from 'mongodb';
import { orderGenerator } from '#orders/generator/generator.js';
import { formatMoney } from '#orders/order/money.js';
import { fromDocument, toDocument, type OrderDocument, ordersCollection } from '#orders/order/order-document.js';
import type { Order } from '#orders/order/order.js';
import { migrateDatabase } from '#service/mongodb/migrate-database.js';

const [FROM, TO] = [new Date('2026-01-30T22:30:00Z'), new Date('2026-02-03T03:10:00Z')];
const MOST = 20_000;

/** Generates orders of two months, numbered from 1. */
const orderAt = orderGenerator({
  operationId: '01890000-0000-7000-8000-000000000001',
  seed: 7,
  count: MOST,
  firstNumber: 1,
  accounts: 20,
  from: FROM,
  to: TO,
});

/**
 * Generates orders as MongoDB stores them.
 * @param from the first order number
 */
export function orderDocuments(count: number, from = 1): OrderDocument[] {
  const ingest = { operationId: null, partition: 0, offset: Long.ONE, attempts: 1, savedAt: new Date() };
  return Array.from({ length: count }, (_, at) => toDocument(orderAt(from - 1 + at), ingest));
}

/** Replaces all orders of a database by generated ones, and reserves their numbers. */
export async function refill(db: Db, count: number): Promise<void> {
  await migrateDatabase(db, { collections: ['orders', 'summaryRollups'] });
  await ordersCollection(db).deleteMany({});
  await ordersCollection(db).insertMany(orderDocuments(count));
  const counters = db.collection<{ _id: string; value: Long }>('counters');
  await counters.replaceOne({ _id: 'order-numbers' }, { value: Long.fromNumber(count) }, { upsert: true });
}

/** Generates a row of the legacy system that has all fields; the values differ from row to row. */
export function wholeRow({ id, number }: Pick<Order, 'id' | 'number'>): object {
  const { price, amount, createdAt, ...rest } = orderAt(number * 101);
  const money = { price: formatMoney(price), amount: formatMoney(amount) };
  return { ...rest, id, number, createdAt: createdAt.toISOString(), ...money };
}

/** Reads all orders with read concern `majority`. */
export async function allOrders(db: Db): Promise<Order[]> {
  const documents = await ordersCollection(db).find({}, { readConcern: 'majority' }).toArray();
  return documents.map(fromDocument);
}
