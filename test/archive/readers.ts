import { beforeAll, expect, it } from '@jest/globals';
import { operationsCollection } from '#orders/operation/operation.js';
import type { Summary } from '../../apps/query-api/src/summary/summary-response.js';
import type { OrdersPage } from '../../apps/query-api/src/paging/orders-page.js';
import { compactAgain, settledBlocksOf } from '../support/compactions.js';
import { eventually } from '../support/eventually.js';
import { COUNT, FAULTY, IMPORTED, LATER, RECEIVED, type KindsOfOrders } from './kinds-of-orders.js';

/** What reads archived orders, and does not find them. @param shared returns orders that are archived */
export function archiveReaderSpecs(shared: () => KindsOfOrders): void {
  let orders: KindsOfOrders;

  beforeAll(() => {
    orders = shared();
  });

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
}
