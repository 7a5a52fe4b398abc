import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { unpackOrders } from '#orders/numbering/intake-batches.js';
import { type BatchSender, BlockRecovery, buildBatch, type Reserved } from './batch-sender.js';
import { RecordedTraces } from '#service/telemetry/testing/recorded-traces.js';
import { setTracing } from '#service/telemetry/tracing.js';
import { OpenOperation } from './intake-operations.js';
import { PendingRequest } from './orders-request.js';
import { FakeIntakeStore } from './testing/intake-store.js';
import { createSender, now, requestOf, SimulatedTopic } from './testing/simulated-intake.js';

function pending(count: number, key?: string): PendingRequest {
  return new PendingRequest(requestOf(count, key));
}

async function reserve(sender: BatchSender, requests: PendingRequest[], id = 'one'): Promise<Reserved> {
  const reserved = await sender.reserve(requests, new OpenOperation(id));
  if (reserved === undefined) throw new Error('it must reserve numbers');
  return reserved;
}

describe('a batch', () => {
  let store: FakeIntakeStore;
  let topic: SimulatedTopic;
  let work: Promise<void>[];

  beforeEach(() => {
    [store, topic, work] = [new FakeIntakeStore(), new SimulatedTopic(), []];
  });

  function newSender(): BatchSender {
    return createSender(store, topic, new ManualClock(), async (run) => void work.push(run()));
  }

  /** Two producers reserve numbers, and the other one sends first. */
  async function sendBehindAnother(requests: PendingRequest[], other: PendingRequest): Promise<void> {
    const [mine, theirs] = [newSender(), newSender()];
    const reserved = await reserve(mine, requests);
    await theirs.send(await reserve(theirs, [other], 'two'));
    await mine.send(reserved);
    await Promise.all(work);
  }

  function batches() {
    return store.sorted().map(({ _id, from, count, state }) => [_id, from, count, state]);
  }

  it('leaves out a request that another producer has stored since: its numbers move up, and the rest is abandoned', async () => {
    const [first, repeated, last, other] = [pending(2), pending(3, 'key'), pending(4), pending(3, 'key')];
    await sendBehindAnother([first, repeated, last], other);
    expect(await repeated.outcome).toEqual(await other.outcome);
    expect((await first.outcome).items.map(({ number }) => number)).toEqual([1, 2]);
    expect((await last.outcome).items.map(({ number }) => number)).toEqual([3, 4, 5, 6]);
    expect(batches()).toEqual([
      [1, 0, 6, 'acknowledged'],
      [7, 6, 3, 'abandoned'],
      [10, 0, 3, 'acknowledged'],
    ]);
  });

  it('whose only request another producer has stored since is abandoned', async () => {
    const [repeated, other] = [pending(3, 'key'), pending(3, 'key')];
    await sendBehindAnother([repeated], other);
    expect(await repeated.outcome).toEqual(await other.outcome);
    expect(batches()[0]).toEqual([1, 0, 3, 'abandoned']);
  });

  it('abandons a block whose reservation seemed to fail, at the next reservation', async () => {
    const sender = newSender();
    const operation = new OpenOperation('one');
    await store.reserve({ operationId: 'one', from: operation.takeIndexes(5), count: 5 }, []);
    await sender.reserve([pending(1)], operation);
    await Promise.all(work);
    expect(batches()).toEqual([[1, 0, 5, 'abandoned']]);
    await sender.reserve([pending(1)], operation);
    expect((await store.unrecorded()).map(({ first }) => first)).toEqual([6, 7]);
  });

  it('that is sent again after the topic got more partitions has the partitions of its records', async () => {
    const waiting = pending(2);
    const { block } = await reserve(newSender(), [waiting]);
    // As a producer that ends right after it has stored the batch.
    await store.insert(buildBatch([waiting], block, now(), topic).documents);
    const partitions = () => unpackOrders(store.sorted()[0] ?? {}).map(({ partition }) => partition);
    expect(partitions()).toEqual([1, 2]);
    await topic.gate.close();
    topic.gate.open(4);
    await new BlockRecovery(store, topic, now).settle(block);
    expect(batches()).toEqual([[1, 0, 2, 'acknowledged']]);
    expect(partitions()).toEqual([0, 1]);
  });

  it('that another process sends again continues the traces of its requests', async () => {
    const traces = new RecordedTraces();
    setTracing(traces);
    const requests = ['one', undefined, 'three'].map((active) => traces.within(active, () => pending(2)));
    setTracing(undefined);
    const { block } = await reserve(newSender(), requests);
    await store.insert(buildBatch(requests, block, now(), topic).documents);
    const parents = ['one', 'one', undefined, undefined, 'three', 'three'];
    expect(topic.parents.splice(0)).toEqual(parents);
    await new BlockRecovery(store, topic, now).settle(block);
    expect(topic.parents).toEqual(parents);
  });

  it('whose block another process has abandoned is not sent', async () => {
    const [sender, waiting] = [newSender(), pending(1)];
    const reserved = await reserve(sender, [waiting]);
    await new BlockRecovery(store, topic, now).settle(reserved.block);
    await expect(sender.send(reserved)).rejects.toThrow(/taken over/);
    expect([waiting.isSettled, topic.orders]).toEqual([false, []]);
  });
});
