import { beforeAll, describe, expect, it } from '@jest/globals';
import { Long, UUID, type Db } from 'mongodb';
import { intakeBatchesCollection } from '#orders/numbering/intake-batches.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { createOrderIds } from '#orders/order/order.js';
import { DEAD_LETTER_TOPIC } from '#orders/topics/topics.js';
import { ordersCollection } from '#orders/order/order-document.js';
import type { OrderTrace } from '../apps/query-api/src/order-trace.controller.js';
import { bookkeepingOf, compacted, COMPACTED_AT_ONCE } from './support/archives.js';
import { eventually } from './support/eventually.js';
import { Imports, legacyPairs, intakeOrder, sendOrders } from './support/sent-orders.js';
import { TestSystem } from './support/test-system.js';
import { judged } from './support/started-app.js';
import { sharedPipeline } from './support/shared-pipeline.js';
import { quietKafka, recordsKept } from './support/topic-writer.js';

const CLEAN = { missing: 0, pending: 0, doubled: 0, altered: 0, phantom: 0, differingBlocks: [] };
const NOTHING = { chunks: 0, rows: 0, batches: 0, letters: 0 };

describe('the processing metadata of an ended operation', () => {
  const shared = sharedPipeline(async () =>
    TestSystem.start({ env: COMPACTED_AT_ONCE, flags: ['--no-console', '--save-ms', '0..5'] }),
  );

  let system: TestSystem;
  let db: Db;

  beforeAll(() => {
    system = shared();
    ({ db } = system);
  });

  async function watermark(): Promise<number> {
    const { headers } = await system.get('/v1/orders?pageSize=1');
    return Number(headers.get('x-complete-through'));
  }

  it('is replaced by a digest that reconciliation compares', async () => {
    const { id } = await system.populate({ count: 5_000 });
    await system.allSaved(id);
    const blocks = await compacted(db, id);
    expect(blocks).toMatchObject([{ _id: { from: 0 }, to: 5_000, count: 5_000, saved: 5_000, isCompacted: true }]);
    expect(await bookkeepingOf(db, id)).toEqual(NOTHING);
    const report = await judged(system, id);
    expect(report).toMatchObject({ ...CLEAN, code: 0, verdict: 'holds', saved: 5_000, settled: 5_000 });
  });

  it('is kept while a dead letter is pending, and then has the same figures without it', async () => {
    const faults = { poison: 0.02, oversized: 0, duplicate: 0.01, conflict: 0.01 };
    const { id } = await system.populate({ count: 2_000, faults, seed: 7 });
    const ended = await system.allEnded(id);
    const before = await judged(system, id);
    await eventually('a turn of the compaction has ended', async () => {
      const operation = await operationsCollection(db).findOne({ _id: id });
      return operation?.compaction?.nextAt !== undefined;
    });
    expect(await bookkeepingOf(db, id)).toMatchObject({ chunks: expect.any(Number) });
    expect((await bookkeepingOf(db, id))['chunks']).toBeGreaterThan(0);
    await system.post('/v1/dead-letters/discard', { operationId: id });
    expect(await compacted(db, id)).toMatchObject([{ saved: ended.saved, discarded: ended.deadLettered, skipped: 0 }]);
    expect(await bookkeepingOf(db, id)).toEqual(NOTHING);
    await eventually('the records of its dead letters are removed', async () => {
      return (await recordsKept(quietKafka(system.brokers), DEAD_LETTER_TOPIC)) === 0;
    });
    const after = await judged(system, id);
    expect(after).toMatchObject({ ...CLEAN, code: 0, verdict: 'holds', saved: before.saved, faults: before.faults });
    expect(after.discarded).toBe(before.deadLettered);
    await eventually('its figures are complete', async () => {
      const { saved, deadLettered, discarded } = await system.operation(id);
      return saved === ended.saved && deadLettered === 0 && discarded === ended.deadLettered;
    });
    await eventually('its numbers are complete', async () => (await watermark()) >= ended.firstNumber + 1_999);
  });

  it('of a populate lets reconciliation name the altered and the missing order', async () => {
    const { id } = await system.populate({ count: 3_000 });
    await system.allSaved(id);
    await compacted(db, id);
    const idOf = createOrderIds(id);
    const orders = ordersCollection(db);
    const removed = await orders.findOneAndDelete({ _id: new UUID(idOf(2_500)) });
    const changed = await orders.findOneAndUpdate({ _id: new UUID(idOf(17)) }, { $set: { quantity: 10_001 } });
    const report = await judged(system, id);
    expect(report).toMatchObject({ code: 1, verdict: 'broken', missing: 1, altered: 1, saved: 2_998 });
    expect(report.alteredOrders).toEqual([{ index: 17, id: idOf(17), fields: ['quantity'] }]);
    expect(report.missingRecords).toMatchObject([{ index: 2_500, id: idOf(2_500), blame: 'saved-then-gone' }]);
    expect(report.differingBlocks).toMatchObject([{ verified: 3_000, found: 2_999 }]);
    // Other cases wait for the watermark, which never passes a missing order.
    if (removed === null || changed === null) throw new Error('the orders were not saved');
    await orders.insertOne(removed);
    await orders.replaceOne({ _id: changed._id }, changed);
  });

  it('of an import leaves no row, and its orders are still imported once', async () => {
    const imports = new Imports(system);
    const rows = legacyPairs(2_000);
    const first = await imports.imported({ 'a.json': rows });
    await compacted(db, first.id);
    expect(await bookkeepingOf(db, first.id)).toEqual(NOTHING);
    expect(await db.collection('importManifest').countDocuments({ '_id.operationId': first.id })).toBe(0);
    expect(await imports.summary(first.id)).toMatchObject({ rows: 2_000, accepted: 2_000, files: { read: 1 } });
    const again = await imports.imported({ 'a.json': rows });
    expect(again.import).toMatchObject({ rows: 2_000, accepted: 0, skipped: 2_000 });
    expect(await judged(system, first.id)).toMatchObject({ ...CLEAN, code: 0, saved: 2_000, settled: 2_000 });
    const [block] = await compacted(db, first.id);
    const changed = { number: Long.fromNumber((block?.first ?? 0) + 5) };
    await ordersCollection(db).updateOne(changed, { $set: { symbol: 'OTHER' } });
    const report = await judged(system, first.id);
    expect(report).toMatchObject({ code: 1, verdict: 'broken', missing: 0 });
    expect(report.differingBlocks).toMatchObject([{ first: block?.first, verified: 2_000, found: 2_000 }]);
    const removed = await ordersCollection(db).findOneAndDelete(changed);
    expect(await judged(system, first.id)).toMatchObject({ code: 1, missing: 1, saved: 1_999 });
    if (removed !== null) await ordersCollection(db).insertOne(removed);
  });

  it('of received orders answers a repeated key as long as it is kept', async () => {
    const orders = Array.from({ length: 300 }, (_, at) => intakeOrder({ accountId: `acc-${at % 7}` }));
    const { body } = await sendOrders(system, orders, 'key-1');
    const { body: other } = await sendOrders(system, orders.slice(0, 10));
    const id = body.operationId;
    expect(other.operationId).toBe(id);
    await system.killProducer();
    await system.expireLeases();
    await eventually('the operation is closed, and its key keeps it', async () => {
      const operation = await operationsCollection(db).findOne({ _id: id });
      return operation?.status === 'succeeded' && operation.compaction?.nextAt !== undefined;
    });
    expect((await bookkeepingOf(db, id))['batches']).toBe(2);
    expect((await sendOrders(system, orders, 'key-1')).body).toEqual(body);
    await intakeBatchesCollection(db).updateMany({ operationId: id }, { $unset: { requests: true, keysUntil: true } });
    await operationsCollection(db).updateOne({ _id: id }, { $unset: { 'compaction.nextAt': true } });
    expect(await compacted(db, id)).toMatchObject([{ count: 310, saved: 310 }]);
    expect(await bookkeepingOf(db, id)).toEqual(NOTHING);
    expect(await judged(system, id)).toMatchObject({ ...CLEAN, code: 0, acked: 310, saved: 310, settled: 310 });
    await eventually('all count as saved', async () => (await system.operation(id)).saved === 310);
    const { body: trace } = await system.get<OrderTrace>(`/v1/orders/${body.items[7]?.id}/trace`);
    expect(trace).toMatchObject({ operationId: id, chunk: null, index: expect.any(Number) });
  });

  it('is not counted again by a query API that starts: the watermark is there at once', async () => {
    const { id, firstNumber } = await system.populate({ count: 1_000 });
    await system.allSaved(id);
    const last = firstNumber + 999;
    await eventually('the watermark is stored', async () => {
      const stored = await db.collection('watermark').findOne();
      return (await watermark()) >= last && Number(stored?.['through']) >= last;
    });
    // A count from the beginning would end here.
    await ordersCollection(db).deleteOne({ number: Long.fromNumber(firstNumber) });
    process.kill(system.process('query-api').pid, 'SIGKILL');
    await eventually('the query API is ready again', async () =>
      fetch(`${system.queryApiUrl}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    expect(await watermark()).toBeGreaterThanOrEqual(last);
  });
});
