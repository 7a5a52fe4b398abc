import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { ParallelConsumer } from '../parallel-consumer.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { consuming, RecordingLogger } from './gated-consumer.js';

/** Starts a consumer of `orders` with dead letters on `dead`, and waits for a missing topic for as long as the consumer does. */
async function startWith(partitions: Readonly<Record<string, number>>) {
  const kafka = new FakeKafka();
  for (const [topic, count] of Object.entries(partitions)) kafka.createTopic(topic, count);
  const clock = new ManualClock();
  const broker = new FakeBroker(kafka, { topic: 'orders', groupId: 'savers', clock });
  const consumer = new ParallelConsumer(
    { handler: async () => undefined, logger: new RecordingLogger(), deadLetterTopic: 'dead', clock },
    broker,
  );
  const error = consumer.start().catch((thrown: unknown) => thrown);
  await clock.advance(60_000);
  return { broker, error: (await error) as Error & { readonly topics: unknown } };
}

const CREATE_ORDERS =
  "Create orders: kafka.admin().createTopics({ waitForLeaders: false, topics: [{ topic: 'orders', numPartitions: N }] }), " +
  'or kafka-topics.sh --bootstrap-server HOST:PORT --create --topic orders --partitions N';

/** How to create the dead-letter topic with this number of partitions. */
const createDead = (partitions: number | string): string =>
  'Create dead with at least as many partitions as the source topic: kafka.admin().createTopics({ waitForLeaders: false, topics: ' +
  `[{ topic: 'dead', numPartitions: ${partitions}, configEntries: [{ name: 'retention.ms', value: '-1' }] }] }), ` +
  `or kafka-topics.sh --bootstrap-server HOST:PORT --create --topic dead --partitions ${partitions} --config retention.ms=-1`;

describe('a consumer does not start', () => {
  it.each([
    [
      'without its dead-letter topic',
      { orders: 12 },
      `the source topic orders has 12 partitions; the dead-letter topic dead does not exist. ${createDead(12)}`,
    ],
    [
      'without its source topic',
      { dead: 1 },
      `the source topic orders does not exist; the dead-letter topic dead has 1 partition. ${CREATE_ORDERS}`,
    ],
    [
      'without both topics',
      {},
      'the source topic orders does not exist; the dead-letter topic dead does not exist. ' +
        `${CREATE_ORDERS}. ${createDead('N')}`,
    ],
  ])('%s, and the error names both topics and how to create them', async (_what, partitions, message) => {
    const { broker, error } = await startWith(partitions);
    expect(error).toMatchObject({ name: 'TopicError', code: 'topic-missing', message });
    // The failed start closes the broker.
    await expect(broker.publish('dead', [])).rejects.toThrow('closed');
  });

  it('with a dead-letter topic of fewer partitions, and the error has both numbers and how to add partitions', async () => {
    const { error } = await startWith({ orders: 12, dead: 4 });
    expect(error).toMatchObject({
      code: 'too-few-partitions',
      topics: [
        { role: 'source', topic: 'orders', partitions: 12 },
        { role: 'dead-letter', topic: 'dead', partitions: 4 },
      ],
      message:
        'the source topic orders has 12 partitions; the dead-letter topic dead has 4 partitions. Add partitions to dead, which needs ' +
        "at least as many as the source topic: kafka.admin().createPartitions({ topicPartitions: [{ topic: 'dead', count: 12 }] }), " +
        'or kafka-topics.sh --bootstrap-server HOST:PORT --alter --topic dead --partitions 12',
    });
  });
});

describe('a topic that is deleted later', () => {
  it.each([
    ['source', 'orders'],
    ['dead-letter', 'dead'],
  ])('makes the consumer not ready within 10 s, and the log names the %s topic', async (role, topic) => {
    const { kafka, clock, consumer, log } = await consuming({}, () => undefined);
    kafka.deleteTopic(topic);
    await clock.advance(10_000);
    expect(consumer.status.notReadyBecause).toMatch(`the ${role} topic ${topic} does not exist`);
    await clock.advance(60_000);
    expect(log.matching(/topic deleted/)).toMatchObject([
      { code: 'topic-missing', reason: expect.stringMatching(`topic ${topic} does not exist`) },
    ]);
    kafka.createTopic(topic, 2);
    await clock.advance(10_000);
    expect(consumer.status.notReadyBecause).toBeUndefined();
    expect(log.matching(/topics are complete again/)).toHaveLength(1);
    await consumer.stop();
  });

  it('keeps dead letters waiting: the reason names the topic, the log says so once a minute, and they are published in the end', async () => {
    const { kafka, clock, broker, consumer, gate, letters, log } = await consuming(
      { classify: () => 'poison' },
      (topic) => topic.append(0, 'a', 'a'),
    );
    kafka.deleteTopic('dead');
    void broker.publish('another', [{ partition: 0, key: null, value: null, headers: {} }]);
    await gate.fail('a', new Error('no order'));
    expect(consumer.status.ready).toBe(true);
    await clock.advance(125_000);
    expect(consumer.status.notReadyBecause).toMatch(
      /^dead letters could not be published to dead since 1970-01-01 00:00:00 UTC: topic dead/,
    );
    const logged = log.matching(/dead letters could not be published/);
    expect(logged).toHaveLength(2);
    expect(logged).toMatchObject(logged.map(() => ({ topic: 'dead', letters: 1, code: 'UNKNOWN_TOPIC_OR_PARTITION' })));
    kafka.createTopic('dead', 2);
    await clock.advance(10_000);
    expect(letters()).toHaveLength(1);
    expect(consumer.status).toMatchObject({ ready: true, deadLettered: 1 });
  });

  it('keeps dead letters of new partitions in the last partitions that the dead-letter topic has', async () => {
    const { kafka, clock, consumer, log } = await consuming({}, () => undefined);
    kafka.createTopic('dead', 1);
    await clock.advance(30_000);
    expect(consumer.status.ready).toBe(true);
    expect(log.matching(/share a partition/)).toMatchObject([{ code: 'too-few-partitions' }]);
  });
});
