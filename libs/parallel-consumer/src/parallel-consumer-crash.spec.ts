import { describe, expect, it } from '@jest/globals';
import type { ParallelConsumerOptions } from './options.js';
import { ParallelConsumer } from './parallel-consumer.js';
import { FakeBroker } from './testing/fake-broker.js';
import { consuming, Gate, KeptLog } from './testing/gated-consumer.js';
import { settle } from './testing/manual-clock.js';

/** A consumer that has committed with `b` and `d` done and `a` and `c` not, and that is then gone. */
async function crashed(options: Partial<ParallelConsumerOptions>) {
  const first = await consuming(options, (topic) => {
    for (const name of ['a', 'b', 'c', 'd']) topic.append(0, name, name);
  });
  await first.gate.end('b');
  await first.gate.end('d');
  await first.clock.advance(500);
  first.broker.kill();
  return first;
}

/** Another one of the same group, that has taken what there is. */
async function successorOf({ kafka, clock }: Awaited<ReturnType<typeof crashed>>, failing: FakeBroker['failing'] = {}) {
  const broker = new FakeBroker(kafka, { topic: 'orders', groupId: 'savers' });
  broker.failing = failing;
  const gate = new Gate();
  const options = { handler: gate.handler, logger: new KeptLog(), deadLetterTopic: 'dead', clock };
  const consumer = new ParallelConsumer(options, broker);
  await consumer.start();
  await broker.fetch();
  return { broker, gate, consumer };
}

describe('after a crash', () => {
  it('what the commit’s map has as finished is not done again', async () => {
    const first = await crashed({});
    const { gate, consumer } = await successorOf(first);
    expect(gate.started).toEqual(['a', 'c']);
    expect(consumer.status.skippedAsCompleted).toBe(2);
    await gate.end('a');
    await gate.end('c');
    await first.clock.advance(500);
    expect(first.committed()).toBe(4);
  });

  it('the map outlives a second crash', async () => {
    const first = await crashed({});
    const second = await successorOf(first);
    await second.gate.end('a');
    await first.clock.advance(500);
    second.broker.kill();
    const third = await successorOf(first);
    expect(third.gate.started).toEqual(['c']);
  });

  it('all beyond the oldest unfinished record is done again where commits are plain', async () => {
    const { gate, consumer } = await successorOf(await crashed({ commitCompletedOffsets: false }));
    expect(gate.started).toEqual(['a', 'b', 'c', 'd']);
    expect(consumer.status.skippedAsCompleted).toBe(0);
  });

  it('nothing is taken until the coordinator has told what was committed', async () => {
    const first = await crashed({});
    const { broker, gate } = await successorOf(first, { committed: new Error('coordinator away') });
    await first.clock.advance(5_000);
    expect(gate.started).toEqual([]);
    broker.failing = {};
    await first.clock.advance(5_000);
    await broker.fetch();
    expect(gate.started).toEqual(['a', 'c']);
  });
});

describe('a member whose session was over', () => {
  it('begins anew when it rejoins: what others have done meanwhile is not done again', async () => {
    const first = await consuming({ inFlight: 1, drainTimeoutMs: 0 }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, 'k', name);
    });
    first.broker.expire();
    await settle();
    const second = await successorOf(first);
    for (const name of ['a', 'b']) await second.gate.end(name);
    await first.clock.advance(500);
    await second.consumer.stop();
    await first.broker.rejoin();
    await first.gate.end('a');
    void first.broker.fetch();
    await first.clock.advance(500);
    expect(first.gate.started).toEqual(['a']);
    expect(first.committed()).toBe(2);
  });
});
