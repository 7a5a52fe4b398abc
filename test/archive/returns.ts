import { beforeAll, expect, it } from '@jest/globals';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { importRowsCollection } from '#orders/operation/import-rows.js';
import { ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { eventually } from '../support/eventually.js';
import { Imports } from '../support/imports.js';
import { intakeOrder, sendOrders } from '../support/intake.js';
import { Redrives } from '../support/redrives.js';
import { quietKafka } from '../support/topic-writer.js';
import type { KindsOfOrders } from './kinds-of-orders.js';

/** What could save archived orders again, and must not. @param shared returns orders that are archived */
export function archiveReturnSpecs(shared: () => KindsOfOrders): void {
  let orders: KindsOfOrders;
  let redrives: Redrives;

  beforeAll(() => {
    orders = shared();
    redrives = new Redrives(orders.pipeline);
  });

  it('an import sets rows of archived orders aside, also when their earlier rows are gone', async () => {
    const { pipeline, imported, rows } = orders;
    await importRowsCollection(pipeline.db).deleteMany({ operationId: imported });
    const archived = rows.filter(({ legacy }, at) => at < 5 || legacy !== undefined);
    const imports = new Imports(pipeline);
    const again = await imports.imported({ 'again.json': archived });
    expect(again.import).toMatchObject({ accepted: 0, skipped: 0, conflicting: archived.length });
    const codes = (await imports.rejects(again.id)).map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set(['order-archived']));
  });

  it('a redrive of a record with the number of an archived order returns with its code', async () => {
    const { body } = await redrives.ask({ errorCode: 'conflict' });
    expect((await redrives.ended(body.id)).redrive).toMatchObject({ moved: 1, returned: 1, missing: 0 });
    expect(await redrives.groups()).toEqual({ 'order-archived': 1 });
  });

  it('a new record of an archived order, or with its id, is not saved', async () => {
    await orders.writeAgain(orders.rows[9]);
    await sendOrders(orders.pipeline, intakeOrder({ id: orders.receivedId }));
    await eventually('both are dead letters', async () => (await redrives.groups())['order-archived'] === 3);
    expect(await orders.savedBefore()).toBe(0);
  });

  it('a replay of the whole topic brings no archived order back, and dead-letters none', async () => {
    const { pipeline } = orders;
    const letters = async (): Promise<number> => deadLettersCollection(pipeline.db).countDocuments({});
    const before = [await orders.saved(), await letters()];
    const admin = quietKafka(pipeline.brokers).admin();
    await admin.connect();
    const consumer = pipeline.process('consumer-1').pid;
    process.kill(consumer, 'SIGSTOP');
    try {
      await eventually('the group is empty', async () => {
        const { groups } = await admin.describeGroups([ORDERS_CONSUMER_GROUP]);
        return groups[0]?.state === 'Empty';
      });
      await admin.resetOffsets({ groupId: ORDERS_CONSUMER_GROUP, topic: ORDERS_TOPIC, earliest: true });
    } finally {
      process.kill(consumer, 'SIGKILL');
    }
    const ends = await admin.fetchTopicOffsets(ORDERS_TOPIC);
    await eventually('all records are committed again', async () => {
      const [group] = await admin.fetchOffsets({ groupId: ORDERS_CONSUMER_GROUP, topics: [ORDERS_TOPIC] });
      const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, offset]));
      return ends.every(({ partition, high }) => committed.get(partition) === high || Number(high) === 0);
    });
    await admin.disconnect();
    expect([await orders.saved(), await letters()]).toEqual(before);
  });
}
