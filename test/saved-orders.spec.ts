import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { UUID } from 'mongodb';
import { fromDocument, ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { SavedOrders } from '../apps/query-api/src/orders/saved-orders.js';
import { orderDocuments } from '../apps/query-api/src/summary/testing/some-orders.js';
import { freePort } from '../dev/machine/ports.js';
import { emptyServers } from './support/own-servers.js';

const ABSENT = '00000000-0000-4000-8000-000000000000';
const documents = orderDocuments(250);
const all = documents.map(fromDocument);
const idOf = (index: number): string => all[index]?.id ?? '';

describe('a read of one saved order', () => {
  let mongo: Mongo;
  let saved: SavedOrders;

  beforeAll(async () => {
    mongo = new Mongo((await emptyServers())?.MONGODB_URI ?? '', 'orders-test');
    await ordersCollection(mongo.db).insertMany(documents);
    // MongoDB records each command of this database.
    await mongo.db.setProfilingLevel('all');
    saved = new SavedOrders(mongo);
  });

  afterAll(async () => mongo.client.close());

  /** Returns how many queries were sent before. */
  const queries = async (): Promise<number> =>
    mongo.db.collection('system.profile').countDocuments({ 'command.find': 'orders' });

  const readTogether = async (ids: readonly string[]) => Promise.all(ids.map(async (id) => saved.byId(id)));

  it('is joined with those that begin at the same time, and each returns its own order', async () => {
    const before = await queries();
    expect(await readTogether([idOf(7), ABSENT, idOf(3), idOf(7)])).toEqual([all[7], null, all[3], all[7]]);
    expect(await queries()).toBe(before + 1);
  });

  it('has a query of its own if it is alone', async () => {
    const before = await queries();
    expect([await saved.byId(idOf(1)), await saved.byId(ABSENT)]).toEqual([all[1], null]);
    expect(await queries()).toBe(before + 2);
  });

  it('is joined with 99 others at most', async () => {
    const before = await queries();
    expect(await readTogether(all.map(({ id }) => id))).toEqual(all);
    expect(await queries()).toBe(before + 3);
  });

  it('is not cached', async () => {
    expect(await saved.byId(idOf(9))).toEqual(all[9]);
    const removed = await ordersCollection(mongo.db).findOneAndDelete({ _id: new UUID(idOf(9)) });
    expect(await saved.byId(idOf(9))).toBeNull();
    if (removed !== null) await ordersCollection(mongo.db).insertOne(removed);
  });

  it('fails alone if what is stored is no order', async () => {
    const _id = new UUID(idOf(4));
    const whole = await ordersCollection(mongo.db).findOneAndUpdate({ _id }, { $unset: { price: 1 } });
    expect(await Promise.allSettled([saved.byId(idOf(4)), saved.byId(idOf(5))])).toMatchObject([
      { status: 'rejected', reason: { name: 'TypeError' } },
      { status: 'fulfilled', value: all[5] },
    ]);
    if (whole !== null) await ordersCollection(mongo.db).replaceOne({ _id }, whole);
  });

  it('fails with the others of its query', async () => {
    const away = new Mongo(`mongodb://127.0.0.1:${await freePort()}/orders`, 'orders-test', 100);
    const orders = new SavedOrders(away);
    const reads = [idOf(1), idOf(2)].map(async (id) => orders.byId(id));
    for (const read of await Promise.allSettled(reads))
      expect(read).toMatchObject({ status: 'rejected', reason: { name: 'MongoServerSelectionError' } });
    await away.client.close();
  });
});
