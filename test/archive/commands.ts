import { beforeAll, expect, it } from '@jest/globals';
import type { Summary } from '../../apps/query-api/src/summary/summary-response.js';
import type { OrdersPage } from '../../apps/query-api/src/paging/orders-page.js';
import { settled } from '../support/compactions.js';
import { eventually } from '../support/eventually.js';
import { COUNT, FAULTY, IMPORTED, RECEIVED, type KindsOfOrders } from './kinds-of-orders.js';

/** What the commands take, print and refuse. They archive all orders. @param shared returns orders that are not archived yet */
export function archivingSpecs(shared: () => KindsOfOrders): void {
  let orders: KindsOfOrders;

  beforeAll(() => {
    orders = shared();
  });

  it('leaves operations that have not ended or have pending dead letters, says why, and archives all others', async () => {
    const { archives, before, paused, faulty } = orders;
    const { code, stdout, stderr } = await archives.archive(before);
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toContain(`left: populate ${paused.id}: it is paused: archive it when it has ended`);
    expect(stdout).toContain(`left: populate ${faulty.id}: 1,000 orders are not settled yet`);
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
}

/** Brings all archived orders back. @param shared returns orders that are archived */
export function bringingBackSpecs(shared: () => KindsOfOrders): void {
  it('restores every archived order, byte for byte', async () => {
    const orders = shared();
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
    await eventually('no order counts as archived', async () => (await pipeline.operation(populate.id)).archived === 0);
    expect(await pipeline.operation(populate.id)).toMatchObject({ saved: COUNT, state: { text: 'all saved' } });
  });
}
