import { describe, expect, it } from '@jest/globals';
import type { ParallelConsumerOptions } from '../options.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { consuming, Gate, RecordingLogger } from './gated-consumer.js';
import { settle } from '@orders-pipeline/clock/testing';

/** Starts a consumer that finishes `b` and `d`, commits, and crashes with `a` and `c` unfinished. */
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

/** Starts another consumer of the same group, which has taken all available records. */
async function startSuccessor(
  { kafka, clock }: Awaited<ReturnType<typeof crashed>>,
  failing: FakeBroker['failing'] = {},
) {
  const broker = new FakeBroker(kafka, { topic: 'orders', groupId: 'savers' });
  broker.failing = failing;
  const gate = new Gate();
  const options = { handler: gate.handler, logger: new RecordingLogger(), deadLetterTopic: 'dead', clock };
  const consumer = new ParallelConsumer(options, broker);
  await consumer.start();
  await broker.fetch();
  return { broker, gate, consumer };
}

describe('after a crash', () => {
  it('does not repeat records that the commit metadata lists as completed', async () => {
    const first = await crashed({});
    const { gate, consumer } = await startSuccessor(first);
    expect(gate.started).toEqual(['a', 'c']);
    expect(consumer.status.skippedAsCompleted).toBe(2);
    await gate.end('a');
    await gate.end('c');
    await first.clock.advance(500);
    expect(first.committed()).toBe(4);
  });

  it('keeps the completed offsets across a second crash', async () => {
    const first = await crashed({});
    const second = await startSuccessor(first);
    await second.gate.end('a');
    await first.clock.advance(500);
    second.broker.kill();
    const third = await startSuccessor(first);
    expect(third.gate.started).toEqual(['c']);
  });

  it('repeats all records from the oldest unfinished one when commitCompletedOffsets is false', async () => {
    const { gate, consumer } = await startSuccessor(await crashed({ commitCompletedOffsets: false }));
    expect(gate.started).toEqual(['a', 'b', 'c', 'd']);
    expect(consumer.status.skippedAsCompleted).toBe(0);
  });

  it('takes no records until the coordinator has returned the committed offsets', async () => {
    const first = await crashed({});
    const { broker, gate } = await startSuccessor(first, { committed: new Error('coordinator unavailable') });
    await first.clock.advance(5_000);
    expect(gate.started).toEqual([]);
    broker.failing = {};
    await first.clock.advance(5_000);
    await broker.fetch();
    expect(gate.started).toEqual(['a', 'c']);
  });
});

describe('a member whose session expired', () => {
  it('starts at the committed offsets when it rejoins, and does not repeat the work of others', async () => {
    const first = await consuming({ inFlight: 1, drainTimeoutMs: 0 }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, 'k', name);
    });
    first.broker.expire();
    await settle();
    const second = await startSuccessor(first);
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
