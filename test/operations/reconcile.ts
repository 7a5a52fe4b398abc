import { beforeAll, expect, it } from '@jest/globals';
import { Double, UUID } from 'mongodb';
import { locateFaults } from '#orders/generator/fault-mix.js';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { createOrderIds } from '#orders/order/order.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import { EXACT_TYPES, judged, runReconcile } from '../support/started-app.js';

const MIX = { poison: 0.01, oversized: 0.005, duplicate: 0.02, conflict: 0.01 };
const CLEAN = { missing: 0, pending: 0, doubled: 0, altered: 0, phantom: 0 };

/** @param shared returns the pipeline that these specs share with others */
export function reconcileSpecs(shared: () => TestSystem): void {
  let pipeline: TestSystem;

  beforeAll(async () => {
    pipeline = shared();
  });

  /** Runs a populate until all its orders are saved. */
  async function populateAndSave(count: number): Promise<string> {
    const { id } = await pipeline.populate({ count });
    await pipeline.allSaved(id);
    return id;
  }

  it('holds when every order is saved as it was sent', async () => {
    const id = await populateAndSave(6_789);
    expect(await judged(pipeline, id)).toMatchObject({
      ...CLEAN,
      verdict: 'holds',
      acked: 6_789,
      saved: 6_789,
    });
    const { stdout, code } = await runReconcile(pipeline, id);
    expect(code).toBe(0);
    expect(stdout).toMatch(/6,789 {2}saved/);
    expect(stdout).toMatch(/^OK: /m);
  });

  it('finds each injected fault once, by its origin, and all other orders saved', async () => {
    const count = 5_000;
    const { id, seed } = await pipeline.populate({ count, faults: MIX, seed: 4_711 });
    const { deadLettered, ackedFaults } = await pipeline.allEnded(id);
    const faultsAt = locateFaults(seed, MIX);
    const known = Array.from({ length: count }, (_, index) => ({ index, ...faultsAt(index) }));
    const expected = known.flatMap(({ index, instead, extras }) => [
      ...(instead === undefined ? [] : [`${index}/${instead}`]),
      ...extras.filter((fault) => fault === 'conflict').map((fault) => `${index}/${fault}`),
    ]);
    const letters = deadLettersCollection(pipeline.db);
    await eventually('all dead letters are stored', async () => {
      return (await letters.countDocuments({ operationId: id })) === expected.length;
    });
    const found = await letters.find({ operationId: id }).toArray();
    expect(found.map(({ index, fault }) => `${index}/${fault}`).toSorted()).toEqual(expected.toSorted());
    expect(new Set(found.map(({ _id }) => _id)).size).toBe(expected.length);
    const codes = (fault: string): Set<string> =>
      new Set(found.filter((letter) => letter.fault === fault).map(({ error }) => error.code));
    expect(codes('poison')).toEqual(new Set(['empty-value', 'not-wire-format', 'malformed-avro']));
    expect([codes('oversized'), codes('conflict')]).toEqual([new Set(['oversized']), new Set(['conflict'])]);
    const inPlace = known.filter(({ instead }) => instead !== undefined).length;
    expect(deadLettered).toBe(inPlace);
    const duplicates = known.filter(({ extras }) => extras.includes('duplicate')).length;
    expect(ackedFaults).toMatchObject({ duplicate: duplicates, conflict: expected.length - inPlace });
    const report = await judged(pipeline, id);
    expect(report).toMatchObject({
      ...CLEAN,
      code: 0,
      verdict: 'holds',
      deadLettered: inPlace,
      saved: count - inPlace,
    });
    expect(report.faults?.found).toEqual(report.faults?.expected);
  });

  it('fails for a deleted order, with evidence that it was saved', async () => {
    const id = await populateAndSave(2_000);
    const deleted = createOrderIds(id)(1_234);
    const orders = ordersCollection(pipeline.db);
    const removed = await orders.findOneAndDelete({ _id: new UUID(deleted) }, EXACT_TYPES);
    const report = await judged(pipeline, id);
    expect(report).toMatchObject({ ...CLEAN, code: 1, verdict: 'broken', missing: 1, saved: 1_999 });
    expect(report.missingRecords).toEqual([
      expect.objectContaining({
        index: 1_234,
        id: deleted,
        blame: 'saved-then-gone',
        evidence: expect.stringMatching(/deleted at/),
      }),
    ]);
    // The watermark, which other cases wait for, never passes a missing order.
    if (removed !== null) await orders.insertOne(removed);
  });

  it('fails for orders that were altered, and names what differs', async () => {
    const changes: [field: string, change: object][] = [
      ['quantity', { quantity: 10_001 }],
      // Another type.
      ['quantity', { quantity: new Double(7) }],
      // One more field.
      ['note', { note: 'x' }],
      ['number', { number: 999_999_999 }],
    ];
    const id = await populateAndSave(100);
    const altered = changes.map(([field, change], at) => ({
      index: at + 40,
      field,
      change,
      id: createOrderIds(id)(at + 40),
    }));
    const orders = ordersCollection(pipeline.db);
    const before = await Promise.all(
      altered.map(async ({ id: _id }) => orders.findOne({ _id: new UUID(_id) }, EXACT_TYPES)),
    );
    for (const order of altered) await orders.updateOne({ _id: new UUID(order.id) }, { $set: order.change });
    const report = await judged(pipeline, id);
    expect(report).toMatchObject({ ...CLEAN, code: 1, verdict: 'broken', altered: changes.length });
    expect(report.alteredOrders).toEqual(
      altered.map(({ index, id: _id, field }) => ({ index, id: _id, fields: [field] })),
    );
    for (const order of before) if (order !== null) await orders.replaceOne({ _id: order._id }, order);
  });

  it('fails for an order that was never sent, with an unused number or a number beyond all blocks', async () => {
    const { id, firstNumber } = await pipeline.populate({ count: 1_000_000, ratePerSecond: 1_000 });
    await eventually('publishing has begun', async () => (await pipeline.operation(id)).acked > 0);
    await pipeline.post(`/v1/operations/${id}/cancel`, {});
    const { acked } = await pipeline.allEnded(id);
    const orders = ordersCollection(pipeline.db);
    const model = await orders.findOne({ _id: new UUID(createOrderIds(id)(0)) });
    if (model === null) throw new Error('the first order is not saved');
    const numbers = [firstNumber + acked + 1, 2 ** 40];
    for (const number of numbers)
      await orders.insertOne(
        { ...model, _id: new UUID(), number: number as never },
        { bypassDocumentValidation: true },
      );
    const report = await judged(pipeline, id);
    expect(report).toMatchObject({ ...CLEAN, code: 1, verdict: 'broken', phantom: 2, saved: acked });
    expect(report.phantomOrders.map(({ number }) => number)).toEqual(numbers);
    await orders.deleteMany({ number: { $in: numbers as never } });
  });

  it('rejects an unknown operation with exit code 1, and an id that is none with 2', async () => {
    expect(await runReconcile(pipeline, '01935c9e-8a00-7000-8000-000000000009')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/There is no operation/),
    });
    expect(await runReconcile(pipeline, 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/npm run reconcile/),
    });
    const { status } = await pipeline.post('/v1/operations/01935c9e-8a00-7000-8000-000000000009/reconcile', {});
    expect(status).toBe(404);
  });
}
