import { afterEach, describe, expect, it } from '@jest/globals';
import { ParallelConsumer } from '@orders-pipeline/parallel-consumer';
import { KafkajsBroker, type KafkaBrokerOptions, type StartAt } from '@orders-pipeline/parallel-consumer/kafkajs';
import { connectPlatformatic, PlatformaticBroker } from '@orders-pipeline/parallel-consumer/platformatic';
import { createTopics } from '#service/kafka/prepare-topics.js';
import { workerKafka } from '../support/own-servers.js';
import { eventually } from '../support/eventually.js';
import { writeRecords } from '../support/topic-writer.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const SECOND = 1_000;
/** A pause of this process must not end its membership: a partition that moves repeats records. */
const SESSION_TIMEOUT_MS = 20 * 60_000;

/** Returns what a group has committed for partition 0; -1: nothing. */
async function committedOffset(topic: string, groupId: string): Promise<number> {
  const admin = workerKafka().kafka.admin();
  await admin.connect();
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  await admin.disconnect();
  return Number(found?.partitions[0]?.offset ?? -1);
}

describe.each(['kafkajs', 'platformatic'] as const)('the start of a new group over %s', (client) => {
  let consumer: ParallelConsumer | undefined;

  afterEach(async () => {
    await consumer?.stop();
    consumer = undefined;
  });

  function brokerOf(options: KafkaBrokerOptions): KafkajsBroker | PlatformaticBroker {
    const { kafka, brokers } = workerKafka();
    if (client === 'kafkajs') return new KafkajsBroker({ ...options, kafka });
    return new PlatformaticBroker({
      ...options,
      client: connectPlatformatic({ brokers: brokers.split(','), clientId: 'tests' }),
    });
  }

  /**
   * A topic with five records, written one second apart in 1970: Kafka keeps them only without a limit of time, whose check, every five
   * minutes, would delete them. @returns its name
   */
  async function filledTopic(): Promise<string> {
    const topic = `start-${crypto.randomUUID()}`;
    const { kafka } = workerKafka();
    const admin = kafka.admin();
    await admin.connect();
    const configEntries = [{ name: 'retention.ms', value: '-1' }];
    await createTopics(admin, [{ topic, numPartitions: 1, replicationFactor: 1, configEntries }]);
    await admin.disconnect();
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    for (let index = 0; index < 5; index += 1)
      await producer.send({
        topic,
        messages: [{ partition: 0, value: `v${index}`, timestamp: String((index + 1) * SECOND) }],
      });
    await producer.disconnect();
    return topic;
  }

  async function start(topic: string, startAt: StartAt, groupId: string = crypto.randomUUID()): Promise<string[]> {
    const handled: string[] = [];
    const handler = async ({ value }: { readonly value: Buffer | null }): Promise<void> =>
      void handled.push(String(value));
    const broker = brokerOf({ topic, groupId, logger: quiet, startAt, sessionTimeoutMs: SESSION_TIMEOUT_MS });
    consumer = new ParallelConsumer({ handler, onDeadLetter: 'stop', logger: quiet, commitIntervalMs: 500 }, broker);
    await consumer.start();
    await eventually('the start is known', () => consumer?.status.partitions.length === 1 && consumer.status.ready);
    return handled;
  }

  it.each<[string, StartAt, string[]]>([
    ['earliest', 'earliest', ['v0', 'v1', 'v2', 'v3', 'v4', 'new']],
    ['latest', 'latest', ['new']],
    ['a timestamp', { timestamp: 2.5 * SECOND }, ['v2', 'v3', 'v4', 'new']],
    ['a timestamp behind the last record', { timestamp: 60 * SECOND }, ['new']],
    ['an offset', { offsets: { 0: 4 } }, ['v4', 'new']],
  ])('is %s', async (_, startAt, expected) => {
    const topic = await filledTopic();
    const handled = await start(topic, startAt);
    const producer = workerKafka().kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    await producer.send({ topic, messages: [{ partition: 0, value: 'new', timestamp: String(90 * SECOND) }] });
    await producer.disconnect();
    await eventually('all records are handled', () => handled.length >= expected.length);
    expect(handled).toEqual(expected);
  });

  it('is committed, so that a restart does not choose another one', async () => {
    const topic = await filledTopic();
    const group = crypto.randomUUID();
    await start(topic, 'latest', group);
    await eventually('the start is committed', async () => (await committedOffset(topic, group)) === 5);
    await consumer?.stop();
    await writeRecords(workerKafka().kafka, topic, [{ partition: 0, key: null, value: Buffer.from('between') }]);
    const handled = await start(topic, 'latest', group);
    await eventually('the record between is handled', () => handled.length > 0);
    expect(handled).toEqual(['between']);
  });

  it.each<[StartAt, string]>([
    [{ offsets: { 0: 6 } }, 'has offset 6 for partition 0 of topic'],
    [{ offsets: { 3: 0 } }, 'startAt names partition 3, and topic'],
  ])('is refused for %p', async (startAt, message) => {
    const topic = await filledTopic();
    await expect(start(topic, startAt)).rejects.toMatchObject({
      code: 'start-offset',
      message: expect.stringContaining(message),
    });
  });

  it.each([
    [{ timestamp: Date.UTC(2_100, 0) }, 'startAt.timestamp is in the future'],
    [{ timestamp: -1 }, 'startAt.timestamp must be ms since 1970'],
    [{ offsets: { 0: -1 } }, 'startAt.offsets must have an offset for each partition, got 0: -1'],
    ['newest', "startAt must be 'earliest', 'latest', { timestamp } or { offsets }"],
  ])('is refused at construction for %p', (startAt, message) => {
    const options = { topic: 't', groupId: 'g', logger: quiet, startAt: startAt as StartAt };
    expect(() => brokerOf(options)).toThrow(message);
  });
});
