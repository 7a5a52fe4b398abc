import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Long } from 'mongodb';
import { ordersCollection } from '#orders/order/order-document.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import { Redrives } from '../support/sent-orders.js';

describe('a slow redrive', () => {
  let pipeline: TestSystem;
  let redrives: Redrives;

  beforeAll(async () => {
    pipeline = await TestSystem.start({ flags: ['--no-console', '--save-ms', '0..1', '--partitions', '3'] });
    redrives = new Redrives(pipeline);
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  it('can be paused, resumed and cancelled, and leaves unsent dead letters pending', async () => {
    // Sending takes 50 s, so that even on a busy machine the cancel comes long before the last dead letter.
    const { id: made } = await pipeline.populate({ count: 10_000, faults: { poison: 0.1 } });
    const { deadLettered } = await pipeline.allEnded(made);
    const all = deadLettered ?? 0;
    const { body } = await redrives.ask({ operationId: made, ratePerSecond: 20 });
    expect(body.count).toBe(all);
    await eventually('some dead letters are sent', async () => (await redrives.moved(body.id)) >= 20);
    await pipeline.post(`/v1/operations/${body.id}/pause`, {});
    await eventually('the redrive is paused', async () => (await redrives.operation(body.id)).status === 'paused');
    await pipeline.post(`/v1/operations/${body.id}/resume`, {});
    const before = await redrives.moved(body.id);
    await eventually('the redrive continues', async () => (await redrives.moved(body.id)) > before);
    await pipeline.post(`/v1/operations/${body.id}/cancel`, {});
    const end = await redrives.ended(body.id);
    const { moved = 0, returned, waiting, missing } = end.redrive ?? {};
    expect([end.status, moved < all, returned, waiting, missing]).toEqual(['cancelled', true, moved, 0, 0]);
    expect(await redrives.letters.countDocuments({ operationId: made, state: 'pending' })).toBe(all);
    expect(await redrives.letters.countDocuments({ operationId: made, redrives: 1 })).toBe(moved);
    expect((await pipeline.post(`/v1/operations/${body.id}/reconcile`, {})).status).toBe(409);
    const { body: report } = await pipeline.post<{ verdict: string }>(`/v1/operations/${made}/reconcile`, {});
    expect(report.verdict).toBe('holds');
  });

  it('does not block another redrive while it waits for the consumers, and learns outcomes even while paused', async () => {
    const made = [];
    for (let at = 0; at < 2; at += 1) {
      const { id } = await pipeline.populate({ count: 500, faults: { poison: 0.1 } });
      await pipeline.allEnded(id);
      made.push(id);
    }
    const consumer = pipeline.process('consumer-1').pid;
    process.kill(consumer, 'SIGSTOP');
    try {
      const { body: first } = await redrives.ask({ operationId: made[0] });
      await eventually('all dead letters of the first redrive are sent', async () => {
        return (await redrives.moved(first.id)) === first.count;
      });
      const { body: second } = await redrives.ask({ operationId: made[1], ratePerSecond: 5 });
      await eventually(
        'some dead letters of the second redrive are sent',
        async () => (await redrives.moved(second.id)) > 0,
      );
      await pipeline.post(`/v1/operations/${second.id}/pause`, {});
      await eventually(
        'the second redrive is paused',
        async () => (await redrives.operation(second.id)).status === 'paused',
      );
      process.kill(consumer, 'SIGCONT');
      await redrives.ended(first.id);
      await eventually('the outcomes of the second redrive are known', async () => {
        return (await redrives.operation(second.id)).redrive?.waiting === 0;
      });
      const { status, redrive } = await redrives.operation(second.id);
      expect([status, redrive?.returned]).toEqual(['paused', redrive?.moved]);
      await pipeline.post(`/v1/operations/${second.id}/cancel`, {});
      expect((await redrives.ended(second.id)).status).toBe('cancelled');
    } finally {
      process.kill(consumer, 'SIGCONT');
    }
  });

  it('is continued by the next producer after a kill, and loses nothing', async () => {
    const { id: made } = await pipeline.populate({ count: 3_000, faults: { conflict: 0.1 } });
    const { firstNumber, ackedFaults } = await pipeline.allEnded(made);
    const all = ackedFaults?.conflict ?? 0;
    await eventually('its conflicts are stored', async () => {
      return (await redrives.letters.countDocuments({ operationId: made })) === all;
    });
    // Deleting the conflicting orders lets half of the dead letters be saved.
    const half = await redrives.letters
      .find({ operationId: made })
      .limit(all / 2)
      .toArray();
    const numbers = half.map(({ index }) => Long.fromNumber(firstNumber + (index ?? 0)));
    await ordersCollection(pipeline.db).deleteMany({ number: { $in: numbers } });
    const { body } = await redrives.ask({ operationId: made, ratePerSecond: 60 });
    await eventually('some dead letters are sent', async () => (await redrives.moved(body.id)) >= 60);
    await pipeline.killProducer();
    await eventually('the redrive ends', async () => (await redrives.operation(body.id)).finishedAt !== null);
    const { redrive: end } = await redrives.operation(body.id);
    expect(end).toMatchObject({ moved: all, saved: half.length, returned: all - half.length, missing: 0, waiting: 0 });
  });

  it.each<[string, object]>([
    ['no selection', {}],
    ['all: false', { all: false }],
    ['an id and a filter', { id: 'orders.v1/1/1', errorCode: 'conflict' }],
    ['all and a filter', { all: true, errorCode: 'conflict' }],
    ['an invalid id', { id: 'orders.v1' }],
    ['an operator', { errorCode: { $ne: '' } }],
    ['a NUL character', { errorCode: 'a\0b' }],
    ['limit 0', { all: true, limit: 0 }],
    ['limit 1.5', { all: true, limit: 1.5 }],
    ['maxRedrives 0', { all: true, maxRedrives: 0 }],
    ['rate 0', { all: true, ratePerSecond: 0 }],
    ['an unknown field', { all: true, force: true }],
  ])('is rejected with %s', async (_, body) => {
    const answer = await redrives.ask(body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
  });
});
