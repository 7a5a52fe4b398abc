import { describe, expect, it } from '@jest/globals';
import type { ParallelConsumerOptions } from '../options.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { consuming, Gate, RecordingLogger } from './gated-consumer.js';

/** Starts a consumer that has finished and committed `a`, `b` and `c` of partition 0. */
async function withThreeDone(options: Partial<ParallelConsumerOptions>) {
  const consumer = await consuming(options, (topic) => {
    for (const name of ['a', 'b', 'c']) topic.append(0, name, name);
  });
  for (const name of ['a', 'b', 'c']) await consumer.gate.end(name);
  await consumer.clock.advance(500);
  expect(consumer.committed()).toBe(3);
  return consumer;
}

type Consumer = Awaited<ReturnType<typeof withThreeDone>>;

/** The log is replaced, and then new records are appended; `e` on the other partition. */
const truncated = ({ kafka, append }: Consumer): void => {
  kafka.truncate('orders', 0, 1);
  for (const name of ['x', 'y', 'z', 'q']) append(0, name, name);
  append(1, 'e', 'e');
};
const recreated = ({ kafka, append }: Consumer): void => {
  kafka.createTopic('orders', 2);
  for (const name of ['x', 'y', 'z', 'q']) append(0, name, name);
};

describe.each([
  ['a log that was truncated', 'truncated-log', truncated, { from: 1, to: 3 }],
  ['a topic that was deleted and recreated', 'recreated-topic', recreated, { from: 0, to: 3 }],
])('%s and has grown past the position since', (_what, reason, replaceLog, range) => {
  it('stops the partition: nothing is taken or committed, the range is reported, the consumer is not ready', async () => {
    const consumer = await withThreeDone({});
    replaceLog(consumer);
    await consumer.broker.fetch();
    await consumer.clock.advance(1_000);
    expect(consumer.gate.started.filter((name) => 'xyzq'.includes(name))).toEqual([]);
    expect(consumer.committed()).toBe(3);
    const { status } = consumer.consumer;
    expect(status.partitions[0]?.stopped).toMatchObject({ reason, ...range });
    expect(status).toMatchObject({ ready: false, notReadyBecause: expect.stringContaining('partition 0') });
    expect(consumer.log.matching(/the partition is stopped/)).toContainEqual({
      topic: 'orders',
      partition: 0,
      reason,
      ...range,
    });
  });

  it("is read from its first new record with onTruncatedLog: 'reset'", async () => {
    const consumer = await withThreeDone({ onTruncatedLog: 'reset' });
    replaceLog(consumer);
    await consumer.broker.fetch();
    await consumer.broker.fetch();
    for (const name of ['x', 'y', 'z', 'q']) await consumer.gate.end(name);
    await consumer.clock.advance(500);
    expect(consumer.gate.started).toEqual(expect.arrayContaining(['x', 'y', 'z', 'q']));
    expect(consumer.committed()).toBe(reason === 'truncated-log' ? 5 : 4);
    expect(consumer.consumer.status.ready).toBe(true);
  });

  it('is detected by the next consumer when none ran meanwhile', async () => {
    const first = await withThreeDone({});
    await first.consumer.stop();
    replaceLog(first);
    const { kafka, clock } = first;
    const broker = new FakeBroker(kafka, { topic: 'orders', groupId: 'savers' });
    const gate = new Gate();
    const options = { handler: gate.handler, logger: new RecordingLogger(), deadLetterTopic: 'dead', clock };
    const consumer = new ParallelConsumer(options, broker);
    await consumer.start();
    await broker.fetch();
    expect(consumer.status.partitions[0]?.stopped?.reason).toBe(reason);
    expect(gate.started.filter((name) => 'xyzq'.includes(name))).toEqual([]);
  });
});

describe.each([
  ['corrupt-records', 'Delete it with kafka-delete-records'],
  ['unsupported-codec', 'Delete it with kafka-delete-records'],
  ['unsupported-format', 'copy the topic'],
  ['batch-too-large', 'Raise maxDecompressedBytes'],
] as const)('a batch that can not be read (%s)', (reason, remedy) => {
  it('stops its partition after the records before it, and other partitions continue', async () => {
    const { append, broker, clock, committed, consumer, gate, kafka, log } = await consuming({}, () => undefined);
    append(0, 'a', 'a');
    kafka.appendUnreadable('orders', 0, reason);
    append(0, 'never', 'never');
    await broker.fetch();
    append(1, 'e', 'e');
    await broker.fetch();
    expect(gate.started).toEqual(['a', 'e']);
    await gate.end('a');
    await clock.advance(500);
    expect(committed()).toBe(1);
    const message = expect.stringContaining(remedy);
    expect(consumer.status.partitions[0]?.stopped).toMatchObject({ reason, from: 1, message });
    expect(consumer.status.ready).toBe(false);
    expect(log.matching(/the partition is stopped/)).toMatchObject([{ partition: 0, offset: 1, reason }]);
  });
});

describe('a log that changes while its records are buffered', () => {
  it('stops at a batch that can not be read, even if a read behind it is already open', async () => {
    const { broker, clock, committed, consumer, gate, kafka, append } = await consuming({ inFlight: 1 }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, name, name);
    });
    append(0, 'c', 'c');
    kafka.appendUnreadable('orders', 0, 'corrupt-records');
    append(0, 'd', 'd');
    await broker.fetch();
    for (const name of ['a', 'b', 'c']) await gate.end(name);
    expect(consumer.status.partitions[0]?.stopped).toMatchObject({ reason: 'corrupt-records', from: 3 });
    // The open read is answered with the records behind the batch.
    kafka.log('orders', 0).unreadable = undefined;
    await broker.fetch();
    await clock.advance(500);
    expect(gate.started).toEqual(['a', 'b', 'c']);
    expect(committed()).toBe(3);
  });

  it("rereads unfinished records below the new end with onTruncatedLog: 'reset'", async () => {
    const { broker, clock, committed, gate, kafka, append } = await consuming(
      { inFlight: 1, onTruncatedLog: 'reset' },
      (topic) => {
        for (const name of ['a', 'b', 'c', 'd']) topic.append(0, 'key', name);
      },
    );
    await gate.end('a');
    kafka.truncate('orders', 0, 3);
    append(0, 'key', 'x');
    await broker.fetch();
    await broker.fetch();
    // The first `end` of `b` ends the attempt from before the reset.
    for (const name of ['b', 'b', 'c', 'x']) {
      await gate.end(name);
      await clock.advance(500);
    }
    expect(new Set(gate.started)).toEqual(new Set(['a', 'b', 'c', 'x']));
    expect(committed()).toBe(4);
  });

  it.each(['skip', 'stop'] as const)(
    'takes records that were read before they were deleted (%s)',
    async (onDeletedRecords) => {
      const { broker, clock, committed, gate, kafka, append } = await consuming(
        { inFlight: 1, onDeletedRecords },
        (topic) => {
          for (const name of ['a', 'b', 'c']) topic.append(0, name, name);
        },
      );
      for (const name of ['d', 'e', 'f']) append(0, name, name);
      kafka.deleteBefore('orders', 0, 5);
      await broker.fetch();
      for (const name of ['a', 'b', 'c', 'f']) {
        await gate.end(name);
        await broker.fetch();
      }
      await clock.advance(500);
      expect(gate.started).toEqual(onDeletedRecords === 'skip' ? ['a', 'b', 'c', 'f'] : ['a', 'b', 'c']);
      expect(committed()).toBe(onDeletedRecords === 'skip' ? 6 : 3);
    },
  );
});
