import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Long } from 'mongodb';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { intakeBatchesCollection } from '#orders/numbering/intake-batches.js';
import { operationsCollection } from '#orders/operation/operation.js';
import type { OrderResponse } from '#orders/order/order-response.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { describeWrittenSide, sidesBetween } from '../../apps/facade/src/testing/written-side-contract.js';
import type { Sides } from '../../apps/facade/src/sides/sides.js';
import type { OrderTrace } from '../../apps/query-api/src/order-trace.controller.js';
import { eventually } from '../support/eventually.js';
import { ExtraProducer, EXACT_TYPES, reconciled } from '../support/started-app.js';
import { intakeOrder, sendOrders } from '../support/sent-orders.js';
import { TestSystem } from '../support/test-system.js';

/** Nothing listens on the discard port. */
const NOWHERE = 'http://127.0.0.1:9';
const HOUR_MS = 3_600_000;

/** @param shared returns the pipeline that these specs share with others */
export function intakeSpecs(shared: () => TestSystem): void {
  let pipeline: TestSystem;

  beforeAll(async () => {
    pipeline = shared();
  });

  async function saved(id: string): Promise<OrderResponse> {
    for (;;) {
      const { body, status } = await pipeline.get<OrderResponse>(`/v1/orders/${id}?waitMs=10000`);
      if (status === 200) return body;
      expect(status).toBe(404);
    }
  }

  async function highestComplete(): Promise<number> {
    const { headers } = await pipeline.get('/v1/orders?pageSize=1');
    return Number(headers.get('x-complete-through'));
  }

  /** Waits until each order of an intake counts once. Other cases send theirs to the same operation. */
  async function allCounted(id: string): Promise<void> {
    await eventually('each order counts once', async () => {
      const { acked, saved: count, deadLettered } = await pipeline.operation(id);
      return acked === (count ?? 0) + (deadLettered ?? 0) || { acked, count, deadLettered };
    });
  }

  it('accepts one order, which is saved under the number of the response', async () => {
    const given = intakeOrder({ createdAt: '2026-01-31T13:00:00+01:00', legacyNumber: 4_711 });
    const { status, headers, body } = await sendOrders(pipeline, given);
    expect(status).toBe(202);
    const [item] = body.items;
    expect(headers.get('location')).toBe(`/v1/orders/${item?.id}`);
    const order = await saved(item?.id ?? '');
    // The producer has no orders: it redirects.
    const followed = await fetch(new URL(headers.get('location') ?? '', pipeline.producerUrl));
    expect([followed.redirected, await followed.json()]).toEqual([true, order]);
    expect(order).toEqual({
      ...item,
      accountId: 'acc-1',
      side: 'buy',
      symbol: 'ACME',
      quantity: 3,
      price: '187.3500',
      amount: '562.0500',
      currency: 'EUR',
      createdAt: '2026-01-31T12:00:00.000Z',
      legacy: { number: 4_711, filled: [] },
    });
    const { body: trace } = await pipeline.get<OrderTrace>(`/v1/orders/${item?.id}/trace`);
    expect(trace).toMatchObject({ operationId: body.operationId, chunk: { from: trace.index, to: trace.index } });
  });

  it('accepts an array as a whole, and reconciles it', async () => {
    const orders = Array.from({ length: 1_000 }, (_, at) => intakeOrder({ accountId: `acc-${at % 7}` }));
    const { status, headers, body } = await sendOrders(pipeline, orders);
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`/v1/operations/${body.operationId}`);
    const first = body.items[0]?.number ?? 0;
    expect(body.items.map(({ number }) => number)).toEqual(orders.map((_, at) => first + at));
    await saved(body.items.at(-1)?.id ?? '');
    await allCounted(body.operationId);
    const { kind, state } = await pipeline.operation(body.operationId);
    expect({ kind, code: state.code }).toEqual({ kind: 'intake', code: 'receiving' });
    await eventually('it reconciles', async () => {
      const report = await reconciled(pipeline, body.operationId);
      const ended = report.saved + report.deadLettered + report.skipped;
      return (report.verdict === 'holds' && report.acked >= 1_000 && report.acked === ended) || report;
    });
    await eventually('all numbers are complete', async () => (await highestComplete()) >= first + 999);
  });

  it('accepts orders of a producer whose clock was two hours ahead at its start, and is corrected', async () => {
    const ahead = await ExtraProducer.start(pipeline, 2 * HOUR_MS);
    try {
      for (const errorMs of [2 * HOUR_MS, 0]) {
        await ahead.setClock(errorMs);
        const { status, body } = await sendOrders({ producerUrl: ahead.url }, intakeOrder());
        expect(status).toBe(202);
        await saved(body.items[0]?.id ?? '');
      }
    } finally {
      await ahead.kill();
    }
  });

  it('lets concurrent requests share a batch', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, async () => sendOrders(pipeline, intakeOrder())));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    const numbers = answers.map(({ body }) => body.items[0]?.number ?? 0);
    expect(new Set(numbers).size).toBe(200);
    const range = { _id: { $gte: Math.min(...numbers), $lte: Math.max(...numbers) } };
    // How many depends on how close to each other a busy machine sends them.
    expect(await intakeBatchesCollection(pipeline.db).countDocuments(range)).toBeLessThan(200);
  });

  it('answers a repeated Idempotency-Key with the same ids and numbers, also when it is repeated at once', async () => {
    const orders = [intakeOrder(), intakeOrder({ symbol: 'JADE' })];
    const [first, second] = await Promise.all([1, 2].map(async () => sendOrders(pipeline, orders, 'key-1')));
    expect(first?.status).toBe(202);
    expect(second?.body).toEqual(first?.body);
    expect((await sendOrders(pipeline, orders, 'key-1')).body).toEqual(first?.body);
    expect(await sendOrders(pipeline, orders.slice(1), 'key-1')).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
    expect((await sendOrders(pipeline, orders, 'key-2')).body.items).not.toEqual(first?.body.items);
  });

  it('saves a request once that is repeated twice, even if its key has expired: the later numbers are settled', async () => {
    const key = randomUUID();
    const once = await sendOrders(pipeline, intakeOrder(), key);
    const { operationId, items } = once.body;
    const [earlier] = items;
    expect(await saved(earlier?.id ?? '')).toMatchObject({ number: earlier?.number });
    await allCounted(operationId);
    let skippedBefore = 0;
    await eventually('the records of other cases are handled', async () => {
      const { pending, skipped } = await reconciled(pipeline, operationId);
      skippedBefore = skipped;
      return pending === 0 || { pending };
    });
    const repeats = 2;
    let last = earlier;
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      const requests = { operationId, 'requests.key': { $exists: true } };
      await intakeBatchesCollection(pipeline.db).updateMany(requests, { $unset: { requests: true, keysUntil: true } });
      const [later] = (await sendOrders(pipeline, intakeOrder(), key)).body.items;
      expect(later?.id).toBe(earlier?.id);
      expect(later?.number).toBeGreaterThan(last?.number ?? 0);
      last = later;
    }
    await eventually('its number is complete', async () => (await highestComplete()) >= (last?.number ?? 0));
    expect(await saved(earlier?.id ?? '')).toMatchObject({ number: earlier?.number });
    await eventually('it reconciles', async () => {
      const { verdict, skipped } = await reconciled(pipeline, operationId);
      return (verdict === 'holds' && skipped === skippedBefore + repeats) || { verdict, skipped };
    });
    await allCounted(operationId);
  });

  it('makes an order with the id of another order a dead letter', async () => {
    const id = randomUUID();
    const { operationId } = (await sendOrders(pipeline, intakeOrder({ id }))).body;
    await saved(id);
    await allCounted(operationId);
    // Other cases make dead letters of the same operation.
    const { deadLettered: before } = await pipeline.operation(operationId);
    const expected = (before ?? 0) + 1;
    const { status, body } = await sendOrders(pipeline, intakeOrder({ id, quantity: 4 }));
    expect(status).toBe(202);
    await eventually('it is a dead letter', async () => {
      const { deadLettered, firstErrors } = await pipeline.operation(operationId);
      return (deadLettered === expected && firstErrors?.at(-1)?.code === 'conflict') || { deadLettered, firstErrors };
    });
    expect(await saved(id)).toMatchObject({ quantity: 3 });
    await eventually('its number is complete', async () => {
      return (await highestComplete()) >= (body.items[0]?.number ?? 0);
    });
    await eventually('it reconciles', async () => {
      const { verdict, deadLettered } = await reconciled(pipeline, operationId);
      return (verdict === 'holds' && deadLettered === expected) || { verdict, deadLettered };
    });
    await allCounted(operationId);
  });

  it('never counts an order with the id of another order as saved, also before its record is handled', async () => {
    const id = randomUUID();
    const { operationId } = (await sendOrders(pipeline, intakeOrder({ id }))).body;
    await saved(id);
    const operations = operationsCollection(pipeline.db);
    /** Returns how many of the sent orders are saved, by a count that begins now. */
    const counted = async (): Promise<number | undefined> => {
      const batches = intakeBatchesCollection(pipeline.db);
      await eventually('all sent orders are acknowledged', async () => {
        return (await batches.countDocuments({ operationId, state: 'reserved' })) === 0;
      });
      await operations.updateOne({ _id: operationId }, { $unset: { countedSaved: '' } });
      let count: number | undefined;
      await eventually('the orders are counted', async () => {
        await pipeline.operation(operationId);
        count = (await operations.findOne({ _id: operationId }))?.countedSaved;
        return count !== undefined;
      });
      return count;
    };
    const { pid } = pipeline.process('consumer-1');
    process.kill(pid, 'SIGSTOP');
    try {
      // Orders are only counted while some seem to be missing.
      await sendOrders(pipeline, intakeOrder());
      const before = await counted();
      await sendOrders(pipeline, intakeOrder({ id, quantity: 4 }));
      expect(await counted()).toBe(before);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await allCounted(operationId);
  });

  it('reports an order that was altered or deleted', async () => {
    const { body } = await sendOrders(pipeline, [intakeOrder(), intakeOrder(), intakeOrder()]);
    const numbers = body.items.map(({ number }) => Long.fromNumber(number));
    const [altered = Long.ZERO, deleted = Long.ZERO] = numbers;
    const stored = ordersCollection(pipeline.db);
    await eventually('all are saved', async () => (await stored.countDocuments({ number: { $in: numbers } })) === 3);
    const before = await stored.findOneAndUpdate({ number: altered }, { $set: { quantity: 4 } }, EXACT_TYPES);
    const removed = await stored.findOneAndDelete({ number: deleted }, EXACT_TYPES);
    await eventually('both are found', async () => {
      return (await reconciled(pipeline, body.operationId)).missing === 1;
    });
    expect(await reconciled(pipeline, body.operationId)).toMatchObject({
      verdict: 'broken',
      altered: 1,
      missing: 1,
      doubled: 0,
      phantom: 0,
      blames: { 'saved-then-gone': 1 },
    });
    // Other cases reconcile the same operation.
    if (before !== null) await stored.replaceOne({ _id: before._id }, before);
    if (removed !== null) await stored.insertOne(removed);
  });

  it('accepts none of an array with bad orders, and names every bad field', async () => {
    const before = await pipeline.db.collection('intakeBatches').countDocuments();
    const bad = [intakeOrder(), intakeOrder({ price: 1.5, note: 'x' }), intakeOrder({ quantity: -1 })];
    const { status, body } = await sendOrders(pipeline, bad);
    expect(status).toBe(400);
    expect(body.errors?.map(({ field }) => field)).toEqual(['1.price', '1.note', '2.quantity']);
    expect(await pipeline.db.collection('intakeBatches').countDocuments()).toBe(before);
    const large = await sendOrders(pipeline, [intakeOrder({ accountId: 'x'.repeat(2 ** 20) })]);
    expect(large.status).toBe(413);
  });

  it('rejects a pause, and is listed by its kind', async () => {
    const { body } = await sendOrders(pipeline, intakeOrder());
    const list = await fetch(`${pipeline.producerUrl}/v1/operations?kind=intake`);
    const { items } = (await list.json()) as { items: { id: string; kind: string; status: string }[] };
    expect(new Set(items.map(({ kind }) => kind))).toEqual(new Set(['intake']));
    expect(items).toContainEqual(expect.objectContaining({ id: body.operationId, status: 'running' }));
    for (const what of ['pause', 'cancel', 'resume'])
      expect(await pipeline.post(`/v1/operations/${body.operationId}/${what}`, {})).toMatchObject({
        status: 409,
        body: { code: 'not-interruptible' },
      });
  });

  describe('to the facade', () => {
    const { signal } = new AbortController();
    let sides: Sides;
    let unavailable: Sides;

    beforeAll(() => {
      const { producerUrl, queryApiUrl } = pipeline;
      sides = sidesOf(producerUrl, queryApiUrl);
      unavailable = sidesOf(NOWHERE, NOWHERE);
    });
    afterAll(async () => Promise.all([sides, unavailable].map(async (each) => each.close())));

    /** Acknowledged orders are saved a moment later. */
    async function untilReadable(ids: readonly string[]): Promise<void> {
      await eventually('all orders are readable', async () => {
        const found = await sides.answering.new.areReadable(ids, signal);
        return found.every((each) => each === 'readable');
      });
    }

    describeWrittenSide('the order API with the query API', () => ({
      side: sides.answering.new,
      unavailable: unavailable.answering.new,
      untilReadable,
    }));
  });
}

/** The legacy system is not asked. */
function sidesOf(producerUrl: string, queryApiUrl: string): Sides {
  return sidesBetween({
    LEGACY_URL: NOWHERE,
    PRODUCER_URL: producerUrl,
    QUERY_API_URL: queryApiUrl,
    targetUrl: NOWHERE,
    zone: new LegacyTimeZone('Asia/Kolkata'),
  });
}
