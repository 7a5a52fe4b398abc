import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { unpackOrders } from '#orders/operation/intake-batches.js';
import { Acknowledgements } from './acknowledgements.js';
import { BatchSender } from './batch-sender.js';
import { BlockRecovery } from './block-recovery.js';
import { buildBatch } from './built-batch.js';
import { OpenOperation } from './open-operation.js';
import { createRequest } from './orders-request.js';
import { PendingRequest } from './pending-request.js';
import { RepeatedRequests } from './repeated-requests.js';
import { FakeIntakeStore } from './testing/fake-intake-store.js';
import { SimulatedTopic } from './testing/simulated-producer.js';

const ORDER = { accountId: 'acc-1', side: 'buy', symbol: 'ACME', quantity: 1, price: 1n, currency: 'USD' } as const;

function request(count: number, key?: string): PendingRequest {
  const orders = Array.from({ length: count }, () => ORDER);
  return new PendingRequest(createRequest(orders, { caller: 'test', key, isArray: true }));
}

const now = (): Date => new Date(1_000);

/** A producer of a shared store. */
function createSender(store: FakeIntakeStore, topic: SimulatedTopic) {
  const clock = new ManualClock();
  const work: Promise<void>[] = [];
  const sender = new BatchSender({
    store,
    topic,
    repeats: new RepeatedRequests(store, clock),
    recovery: new BlockRecovery(store, topic, now),
    acknowledgements: new Acknowledgements(store, clock, () => undefined),
    now,
    untilDone: (_operation, _what, run) => work.push(run()),
  });
  return { sender, work };
}

describe('a batch', () => {
  it('leaves out a request that another producer has stored since: its numbers move up, and the rest is abandoned', async () => {
    const [store, topic] = [new FakeIntakeStore(), new SimulatedTopic()];
    const [one, two] = [createSender(store, topic), createSender(store, topic)];
    const operation = new OpenOperation('one');
    const [first, repeated, last] = [request(2), request(3, 'key'), request(4)];
    const reserved = await one.sender.reserve([first, repeated, last], operation);
    const other = request(3, 'key');
    const theirs = await two.sender.reserve([other], new OpenOperation('two'));
    if (reserved === undefined || theirs === undefined) throw new Error('both must reserve numbers');
    await two.sender.send(theirs);
    await one.sender.send(reserved);
    const [a, b, c, d] = await Promise.all([first, repeated, last, other].map(async ({ outcome }) => outcome));
    expect(b).toEqual(d);
    expect([a, c].map((accepted) => accepted?.items.map(({ number }) => number))).toEqual([
      [1, 2],
      [3, 4, 5, 6],
    ]);
    expect(store.sorted().map(({ _id, count, state }) => [_id, count, state])).toEqual([
      [1, 6, 'acknowledged'],
      [7, 3, 'abandoned'],
      [10, 3, 'acknowledged'],
    ]);
  });

  it('whose only request another producer has stored since is abandoned', async () => {
    const [store, topic] = [new FakeIntakeStore(), new SimulatedTopic()];
    const [one, two] = [createSender(store, topic), createSender(store, topic)];
    const [repeated, other] = [request(3, 'key'), request(3, 'key')];
    const reserved = await one.sender.reserve([repeated], new OpenOperation('one'));
    const theirs = await two.sender.reserve([other], new OpenOperation('two'));
    if (reserved === undefined || theirs === undefined) throw new Error('both must reserve numbers');
    await two.sender.send(theirs);
    await one.sender.send(reserved);
    expect(await repeated.outcome).toEqual(await other.outcome);
    await Promise.all(one.work);
    expect(store.batches.get(1)).toMatchObject({ count: 3, state: 'abandoned' });
  });

  it('abandons a block whose reservation seemed to fail, at the next reservation', async () => {
    const [store, topic] = [new FakeIntakeStore(), new SimulatedTopic()];
    const { sender, work } = createSender(store, topic);
    const operation = new OpenOperation('one');
    await store.reserve({ operationId: 'one', from: operation.takeIndexes(5), count: 5 }, []);
    await sender.reserve([request(1)], operation);
    await Promise.all(work);
    expect(store.sorted().map(({ _id, from, count, state }) => [_id, from, count, state])).toEqual([
      [1, 0, 5, 'abandoned'],
    ]);
    await sender.reserve([request(1)], operation);
    expect((await store.unrecorded()).map(({ first }) => first)).toEqual([6, 7]);
  });

  it('that is sent again after the topic got more partitions has the partitions of its records', async () => {
    const [store, topic] = [new FakeIntakeStore(), new SimulatedTopic()];
    const { sender } = createSender(store, topic);
    const waiting = request(2);
    const reserved = await sender.reserve([waiting], new OpenOperation('one'));
    if (reserved === undefined) throw new Error('it must reserve numbers');
    // As a producer that ends right after it has stored the batch.
    await store.insert(buildBatch([waiting], reserved.block, now(), topic).documents);
    await topic.gate.close();
    topic.gate.open(4);
    await new BlockRecovery(store, topic, now).settle(reserved.block);
    const [batch] = store.sorted();
    expect(batch?.state).toBe('acknowledged');
    const place = ORDER.accountId.length % 4;
    expect(unpackOrders(batch ?? {}).map(({ partition }) => partition)).toEqual([place, place]);
    expect(place).not.toBe(ORDER.accountId.length % 3);
  });

  it('whose block another process has abandoned is not sent', async () => {
    const [store, topic] = [new FakeIntakeStore(), new SimulatedTopic()];
    const { sender } = createSender(store, topic);
    const waiting = request(1);
    const reserved = await sender.reserve([waiting], new OpenOperation('one'));
    if (reserved === undefined) throw new Error('it must reserve a number');
    await new BlockRecovery(store, topic, () => new Date(0)).settle(reserved.block);
    await expect(sender.send(reserved)).rejects.toThrow(/taken over/);
    expect([waiting.isSettled, topic.orders]).toEqual([false, []]);
  });
});
