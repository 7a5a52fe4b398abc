import { describe, expect, it } from '@jest/globals';
import { settle } from '@orders-pipeline/clock/testing';
import type { RecordHandler } from '../attempts/record-handler.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { RecordingLogger } from './gated-consumer.js';

const TOPICS = ['orders', 'payments'];

function setUp(partitions: Readonly<Record<string, number>>) {
  const kafka = new FakeKafka();
  for (const [topic, count] of Object.entries(partitions)) kafka.createTopic(topic, count);
  const broker = new FakeBroker(kafka, { topic: TOPICS, groupId: 'savers', fetching: 'auto' });
  const handled: string[] = [];
  const noting =
    (name: string): RecordHandler =>
    async ({ value }) =>
      void handled.push(`${name}: ${String(value)}`);
  const handler = { orders: noting('order'), payments: noting('payment') };
  const consumer = new ParallelConsumer({ handler, logger: new RecordingLogger(), deadLetterTopic: 'dead' }, broker);
  return { kafka, broker, consumer, handled };
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
