import { describe, expect, it } from '@jest/globals';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { RecordHandler } from '../attempts/record-handler.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { RecordingLogger } from './gated-consumer.js';

const TOPICS = ['orders', 'payments'];

function setUp(partitions: Readonly<Record<string, number>>, clock: Clock = systemClock) {
  const kafka = new FakeKafka();
  for (const [topic, count] of Object.entries(partitions)) kafka.createTopic(topic, count);
  const broker = new FakeBroker(kafka, { topic: TOPICS, groupId: 'savers', fetching: 'auto', clock });
  const handled: string[] = [];
  const noting =
    (name: string): RecordHandler =>
    async ({ value }) =>
      void handled.push(`${name}: ${String(value)}`);
  const handler = { orders: noting('order'), payments: noting('payment') };
  const log = new RecordingLogger();
  const consumer = new ParallelConsumer({ handler, logger: log, deadLetterTopic: 'dead', clock }, broker);
  return { kafka, broker, consumer, handled, log };
}

describe('a consumer of several topics', () => {
  it('calls the handler of each topic, and commits each partition', async () => {
    const { kafka, broker, consumer, handled } = setUp({ orders: 2, payments: 1, dead: 2 });
    kafka.append('orders', 1, 'k', 'a');
    kafka.append('payments', 0, 'k', 'b');
    await consumer.start();
    await settle();
    expect(handled.toSorted()).toEqual(['order: a', 'payment: b']);
    expect(consumer.status.partitions.map(({ topic, partition }) => `${topic}-${partition}`).toSorted()).toEqual([
      'orders-0',
      'orders-1',
      'payments-0',
    ]);
    await consumer.stop();
    expect(broker.group.committed({ topic: 'orders', partition: 1 }).offset).toBe(1);
    expect(broker.group.committed({ topic: 'payments', partition: 0 }).offset).toBe(1);
  });

  it('commits the others while one is deleted, logs that once a minute, and does not wait for it when it stops', async () => {
    const clock = new ManualClock();
    const { kafka, broker, consumer, handled, log } = setUp({ orders: 1, payments: 1, dead: 1 }, clock);
    let commits = 0;
    const commit = broker.commit.bind(broker);
    broker.commit = async (positions) => {
      commits += 1;
      await commit(positions);
    };
    kafka.append('payments', 0, 'k', 'a');
    kafka.append('orders', 0, 'k', 'b');
    await consumer.start();
    await settle();
    expect(handled).toHaveLength(2);
    kafka.deleteTopic('payments');
    await clock.advance(50_000);
    expect(broker.group.committed({ topic: 'orders', partition: 0 }).offset).toBe(1);
    expect(log.matching(/not committed/)).toMatchObject([
      { reason: 'not committed: payments-0 (UNKNOWN_TOPIC_OR_PARTITION)' },
    ]);
    // One at once, and one with each full commit.
    expect(commits).toBeLessThanOrEqual(6);
    kafka.append('orders', 0, 'k', 'c');
    await settle();
    let isStopped = false;
    const stopped = consumer.stop().then(() => (isStopped = true));
    await settle();
    expect(isStopped).toBe(true);
    await stopped;
    expect(broker.group.committed({ topic: 'orders', partition: 0 }).offset).toBe(2);
  });

  it('does not start if the dead-letter topic has fewer partitions than the largest of them', async () => {
    const tooFew = setUp({ orders: 1, payments: 3, dead: 2 });
    await expect(tooFew.consumer.start()).rejects.toMatchObject({
      code: 'too-few-partitions',
      message: expect.stringContaining('payments has 3 partitions; the dead-letter topic dead has 2 partitions'),
    });
  });

  it('cannot have its dead letters in one of them', () => {
    const { broker } = setUp({ orders: 1, payments: 1 });
    const options = { handler: async () => undefined, logger: new RecordingLogger(), deadLetterTopic: 'payments' };
    expect(() => new ParallelConsumer(options, broker)).toThrow(
      'deadLetterTopic must differ from the source topic payments',
    );
  });
});
