import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { importRowsCollection } from '#orders/imports/import-rows.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { OrdersPage } from '../../apps/query-api/src/paging/orders-page.js';
import type { Summary } from '../../apps/query-api/src/summary/summary-request.js';
import { archiveCrashSpecs } from '../archive/crashes.js';
import {
  COUNT,
  FAULTY,
  IMPORTED,
  LATER,
  RECEIVED,
  saveKindsOfOrders,
  type KindsOfOrders,
} from '../archive/kinds-of-orders.js';
import { compactAgain, COMPACTED_AT_ONCE, settled, settledBlocksOf } from '../support/archives.js';
import { eventually } from '../support/eventually.js';
import { Imports, intakeOrder, sendOrders, Redrives } from '../support/sent-orders.js';
import { TestSystem } from '../support/test-system.js';
import { sharedPipeline } from '../support/shared-pipeline.js';
import { quietKafka, topicOffsets } from '../support/topic-writer.js';

/** Settles operations at once; the dead letters of the specs below stay. */
const COMPACTED_SOON = { ...COMPACTED_AT_ONCE, SETTLED_RETENTION_DAYS: '30' };

// The specs run in this order, on the same orders.
describe('npm run admin -- archive', () => {
  const shared = sharedPipeline(async () =>
    TestSystem.start({ env: COMPACTED_SOON, flags: ['--no-console', '--save-ms', '0..5'] }),
  );
  let orders: KindsOfOrders;
  let redrives: Redrives;

  beforeAll(async () => {
    orders = await saveKindsOfOrders(shared());
    redrives = new Redrives(orders.pipeline);
  });

  afterAll(async () => orders?.archives.remove());

  describe('archiving', () => {
    it('leaves operations that have not ended or have pending dead letters, says why, and archives all others', async () => {
      const { archives, before, paused, faulty } = orders;
      const { code, stdout, stderr } = await archives.archive(before);
      expect([code, stderr]).toEqual([1, '']);
      expect(stdout).toContain(`left: populate ${paused.id}: it is paused: archive it when it has ended`);
      expect(stdout).toContain(`left: populate ${faulty.id}: 1,000 orders are not verified yet`);
      const archived = (COUNT + IMPORTED + RECEIVED).toLocaleString('en-US');
      expect(stdout).toContain(`${archived} orders archived in 3 files`);
      expect(await orders.savedBefore()).toBe(FAULTY - (await orders.poisoned()));
    });

    it('archives the rest once it is settled, and nothing twice', async () => {
      const { pipeline, archives, before, paused, faulty } = orders;
      await pipeline.post('/v1/dead-letters/discard', { operationId: faulty.id });
      await pipeline.post(`/v1/operations/${paused.id}/cancel`, {});
      await pipeline.allEnded(paused.id);
      for (const { id } of [faulty, paused]) await settled(pipeline.db, id);
      const files = await archives.files();
      const place = { '/mnt/orders-archive': archives.folder };
      const { code, stdout } = await archives.documented(
        'npm run admin -- archive /mnt/orders-archive --before 2026-01-01',
        { ...place, '2026-01-01': before.toISOString() },
      );
      expect([code, stdout]).toEqual([0, expect.stringMatching(/orders archived in 2 files/)]);
      expect(await archives.files()).toEqual(expect.arrayContaining(files));
      expect(await orders.savedBefore()).toBe(0);
      const verified = await archives.documented('npm run admin -- archive list /mnt/orders-archive --verify', place);
      expect(verified.code).toBe(0);
      const listed = await archives.list('--verify');
      expect(listed.code).toBe(0);
      expect(listed.archives.map(({ state, file, orders: count }) => [state, file, count])).toEqual([
        ['archived', 'intact', COUNT],
        ['archived', 'intact', FAULTY - (await orders.poisoned())],
        ['archived', 'intact', IMPORTED],
        ['archived', 'intact', RECEIVED],
        ['archived', 'intact', paused.acked],
      ]);
    });

    it('prints archived orders as the export had them', async () => {
      const { archives, rows, receivedId } = orders;
      const { stdout } = await archives.run('read', '1..100', archives.folder);
      const lines = rows.slice(0, 100).map((row) => `${JSON.stringify(row)}\n`);
      expect(stdout).toBe(lines.join(''));
      for (const what of [String(rows[0]?.id), receivedId]) {
        const found = await archives.run('read', what, archives.folder);
        expect(JSON.parse(found.stdout)).toEqual(rows.find(({ id }) => id === what));
      }
      expect(await archives.run('read', '999999999', archives.folder)).toMatchObject({ code: 2 });
    });

    it.each([
      [['/tmp'], "required option '--before <date>'"],
      [['/tmp', '--before', 'yesterday'], 'It must be a day (UTC) such as 2026-01-31'],
      [['/tmp', '--before', '2026-01-31', '--operation', crypto.randomUUID()], 'There is no operation'],
      [['/tmp', '--before', '2026-01-31', '--share', '0'], 'It must be an integer from 1 to 100'],
      [['list', '--verify'], '--verify needs the folder'],
      [['bring-back', 'orders-1', '/tmp'], 'No archived orders have the archive or the operation orders-1'],
      [['read', 'x', '/tmp'], "It must be an order's id (a UUID) or number"],
    ])('refuses %j', async (args, message) => {
      const { code, stderr } = await orders.archives.run(...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    });
  });

  describe('afterwards', () => {
    it('pages, ranges, links, totals, exports and cursors skip archived orders', async () => {
      const { pipeline, later } = orders;
      const { body } = await pipeline.get<OrdersPage>('/v1/orders?page=1&pageSize=100&count=exact');
      const saved = await orders.saved();
      expect([body.items, body.total]).toEqual([[], { value: saved, kind: 'exact' }]);
      const firstPage = `/v1/orders?page=${Math.ceil(later.firstNumber / 100)}&pageSize=100`;
      expect(body.page.next).toBe(firstPage);
      const walked = (await pipeline.walk('/v1/orders?page=1&pageSize=1000')).flat();
      expect(walked).toHaveLength(saved);
      expect((await pipeline.walk('/v1/orders?pageSize=1000')).flat()).toEqual(walked);
      expect(await orders.exported()).toEqual(walked);
      expect((await pipeline.get<OrdersPage>(firstPage)).body.page.prev).toBeUndefined();
      const range = await pipeline.get<OrdersPage>(`/v1/orders/range?from=1&to=${COUNT}`);
      expect([range.body.items, range.body.page.next]).toEqual([[], undefined]);
      expect((await pipeline.get<OrdersPage>('/v1/orders?legacyNumber=7')).body.items).toEqual([]);
    });

    it('a request by id says in which archive the order is', async () => {
      const { pipeline, rows, receivedId } = orders;
      const imports = rows.find(({ legacy }) => legacy !== undefined);
      for (const id of [rows[0]?.id, imports?.id, receivedId])
        for (const path of [`/v1/orders/${id}?waitMs=5000`, `/v1/orders/${id}/trace`]) {
          const { status, body } = await pipeline.get<{ code: string; detail: string }>(path);
          expect([status, body.code]).toEqual([404, 'order-archived']);
          expect(body.detail).toContain(`npm run admin -- archive read ${id} DIR`);
        }
      const { body } = await pipeline.get<{ code: string }>(`/v1/orders/${crypto.randomUUID()}`);
      expect(body.code).toBe('not-found');
    });

    it('the watermark passes archived orders, also of a query API that has just started', async () => {
      const { pipeline, later } = orders;
      const last = later.firstNumber + LATER - 1;
      await eventually('the watermark is the last number', async () => (await orders.completeThrough()) === last);
      process.kill(pipeline.process('query-api').pid, 'SIGKILL');
      const number = async (): Promise<number> => orders.completeThrough().catch(() => 0);
      await eventually('the watermark is the last number again', async () => (await number()) === last);
      expect(await number()).toBe(last);
    });

    it('the summary does not add archived orders up', async () => {
      const saved = await orders.saved();
      const { body } = await orders.pipeline.get<Summary>('/v1/orders/summary');
      expect(body.total.count).toBe(saved);
    });

    it('operations stay completely saved, and say how many orders are archived', async () => {
      const { pipeline, populate, imported, intake, later } = orders;
      expect(await pipeline.operation(populate.id)).toMatchObject({
        saved: COUNT,
        archived: COUNT,
        state: { code: 'allSaved', text: 'all saved, 2,500 archived' },
      });
      // Nothing was ever counted or reported: the exact count must find them.
      await operationsCollection(pipeline.db).updateMany(
        { _id: { $in: [populate.id, imported, intake] } },
        { $set: { reportedSaved: 0, countedSaved: 0, fullBlocks: [] } },
      );
      await pipeline.killProducer();
      for (const [id, count] of [
        [populate.id, COUNT],
        [imported, IMPORTED],
        [intake, RECEIVED],
      ] as const)
        await eventually(`${id} is completely saved`, async () => (await pipeline.operation(id)).saved === count);
      expect((await pipeline.operation(later.id)).archived).toBe(0);
    });

    it('compaction leaves archived blocks as they are, and has no findings', async () => {
      const { pipeline, populate, imported, intake, paused } = orders;
      const ids = [populate.id, imported, intake, paused.id];
      const blocks = async () => Promise.all(ids.map(async (id) => settledBlocksOf(pipeline.db, id)));
      const before = await blocks();
      for (const id of ids) await compactAgain(pipeline.db, id);
      expect(await blocks()).toEqual(before);
      const metrics = await (await fetch(`${pipeline.producerUrl}/metrics`)).text();
      expect(metrics).toMatch(/^producer_compaction_defects(?:\{[^}]*\})? 0$/m);
    });

    it('reconcile counts archived orders, and verifies their archives if it gets the folder', async () => {
      const { archives, populate, imported, intake, faulty } = orders;
      const whole = { code: 0, verdict: 'holds', saved: 0, settled: 0, missing: 0, phantom: 0, archiveProblems: [] };
      const given = ['--archive', archives.folder];
      expect(await orders.reconciled(populate.id)).toMatchObject({ ...whole, archived: COUNT });
      expect(await orders.reconciled(imported, ...given)).toMatchObject({ ...whole, archived: IMPORTED });
      const command = 'npm run reconcile -- OPERATION --archive DIR';
      const { code: exitCode } = await archives.documented(command, { OPERATION: populate.id, DIR: archives.folder });
      expect(exitCode).toBe(0);
      expect(await orders.reconciled(intake, ...given)).toMatchObject({ ...whole, archived: RECEIVED });
      const discarded = await orders.poisoned();
      expect(await orders.reconciled(faulty.id)).toMatchObject({ ...whole, archived: FAULTY - discarded, discarded });
      const { code, archiveProblems } = await orders.reconciled(populate.id, '--archive', '/nowhere');
      expect([code, archiveProblems]).toEqual([1, [expect.stringContaining('/nowhere has no manifest')]]);
    });
  });

  describe('while archived', () => {
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
      const ends = await topicOffsets(admin, ORDERS_TOPIC);
      await eventually('all records are committed again', async () => {
        const [group] = await admin.fetchOffsets({ groupId: ORDERS_CONSUMER_GROUP, topics: [ORDERS_TOPIC] });
        const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, offset]));
        return ends.every(({ partition, high }) => committed.get(partition) === high || Number(high) === 0);
      });
      await admin.disconnect();
      expect([await orders.saved(), await letters()]).toEqual(before);
    });
  });

  describe('bringing back', () => {
    it('restores every archived order, byte for byte', async () => {
      const { pipeline, archives, rows, populate, faulty, imported, intake, paused } = orders;
      const { archives: all } = await archives.list();
      for (const what of [all[0]?.name ?? '', faulty.id, imported, intake, paused.id])
        expect(await archives.run('bring-back', what, archives.folder)).toMatchObject({ code: 0, stderr: '' });
      expect((await archives.list()).archives.map(({ state }) => state)).toEqual(all.map(() => 'unlisted'));
      const { body } = await pipeline.get<OrdersPage>('/v1/orders?page=1&pageSize=100');
      expect(body.items).toEqual(rows.slice(0, 100));
      for (const id of [populate.id, faulty.id, imported, intake, paused.id]) {
        const report = await orders.reconciled(id);
        expect(report).toMatchObject({ code: 0, verdict: 'holds', archived: 0, missing: 0, differingBlocks: [] });
        expect(report.settled).toBe(report.acked);
      }
      const saved = await orders.saved();
      await eventually('the summary has all orders again', async () => {
        const { body: summary } = await pipeline.get<Summary>('/v1/orders/summary?includeFilled=true');
        return summary.total.count === saved || summary.total;
      });
      expect((await orders.exported()).slice(0, rows.length)).toEqual(rows);
      await eventually(
        'no order counts as archived',
        async () => (await pipeline.operation(populate.id)).archived === 0,
      );
      expect(await pipeline.operation(populate.id)).toMatchObject({ saved: COUNT, state: { text: 'all saved' } });
    });
  });

  describe('archives', () => {
    archiveCrashSpecs(shared);
  });
});
