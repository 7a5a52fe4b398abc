import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MetadataRefusedError } from '../kafka/broker.js';
import { ContractTopic, type ContractKafka, type MakeTopic } from './contract-kafka.js';
import { describeMembership } from './membership-contract.js';
import { describeReading } from './reading-contract.js';
import { joined, started } from './started-member.js';

const PER_SPEC_MS = 90_000;

/**
 * States what the engine may rely on of a `Broker`, as specs of their own, without the engine. Runs on the fake and on the real
 * Kafka: a difference is a defect of the fake.
 * @param provide makes the Kafka, once for all specs
 */
export function describeBrokerContract(name: string, provide: () => Promise<ContractKafka>): void {
  describe(`a broker of ${name}`, () => {
    let kafka: ContractKafka;
    const topics: ContractTopic[] = [];
    const topicOf: MakeTopic = async (partitions) => {
      const topic = await ContractTopic.create(kafka, partitions);
      topics.push(topic);
      return topic;
    };

    beforeAll(async () => {
      kafka = await provide();
    }, 180_000);

    afterEach(async () => {
      for (const topic of topics.splice(0)) await topic.end();
    }, PER_SPEC_MS);

    afterAll(async () => {
      await kafka.end();
    }, 60_000);

    describeReading(topicOf, PER_SPEC_MS);
    describeCommits(topicOf);
    describePublishing(topicOf);
    describeMembership(topicOf, PER_SPEC_MS);
  });
}

function describeCommits(topicOf: MakeTopic): void {
  it(
    'reads back what was committed, with its leader epoch and metadata, also for a later member; nothing for what was not',
    async () => {
      const topic = await topicOf(2);
      await topic.append(0, 'a', 'b', 'c');
      const { broker } = await joined(topic);
      await broker.commit([{ ...topic.at(0), offset: 2, leaderEpoch: 0, metadata: 'a map' }]);
      const position = { offset: 2, from: 2, metadata: 'a map', leaderEpoch: 0 };
      expect(await topic.committed(broker, 0)).toMatchObject(position);
      expect(await topic.committed(broker, 1)).toMatchObject({ offset: undefined, from: 0, metadata: '' });
      await broker.stop();
      const { broker: later, listener } = await started(topic);
      await listener.until(() => listener.values(0).length === 1);
      expect(await topic.committed(later, 0)).toMatchObject(position);
      expect(listener.values(0)).toEqual(['c']);
    },
    PER_SPEC_MS,
  );

  it(
    'forgets the metadata with a commit that has none',
    async () => {
      const topic = await topicOf(1);
      await topic.append(0, 'a', 'b');
      const { broker } = await joined(topic);
      await broker.commit([{ ...topic.at(0), offset: 1, metadata: 'a map' }]);
      await broker.commit([{ ...topic.at(0), offset: 2 }]);
      expect(await topic.committed(broker, 0)).toMatchObject({ offset: 2, from: 2, metadata: '' });
    },
    PER_SPEC_MS,
  );

  it(
    'takes 4,000 characters of metadata; of more it says that they are too many, and stores nothing',
    async () => {
      const topic = await topicOf(1);
      await topic.append(0, 'a', 'b');
      const { broker } = await joined(topic);
      await broker.commit([{ ...topic.at(0), offset: 1, metadata: 'm'.repeat(4_000) }]);
      const tooMuch = broker.commit([{ ...topic.at(0), offset: 2, metadata: 'm'.repeat(5_000) }]);
      await expect(tooMuch).rejects.toBeInstanceOf(MetadataRefusedError);
      expect((await topic.committed(broker, 0)).offset).toBe(1);
    },
    PER_SPEC_MS,
  );
}

function describePublishing(topicOf: MakeTopic): void {
  it(
    'publishes to the partition that was chosen, with key, value and headers',
    async () => {
      const topic = await topicOf(3);
      const record = {
        partition: 2,
        key: 'k',
        value: Buffer.from('v'),
        headers: { text: 'é', bytes: Buffer.from([0, 127]) },
      };
      await topic.member().publish(topic.topic, [record]);
      const [read] = await topic.kafka.read(topic.topic, 1);
      expect(read).toMatchObject({ partition: 2, offset: 0, key: Buffer.from('k'), value: Buffer.from('v') });
      expect(read?.headers).toEqual({ text: Buffer.from('é'), bytes: Buffer.from([0, 127]) });
    },
    PER_SPEC_MS,
  );

  it(
    'never says that it has published to a topic that is not there',
    async () => {
      const topic = await topicOf(1);
      const broker = topic.member();
      const sent = broker.publish(`${topic.topic}-missing`, [{ partition: 0, key: null, value: null, headers: {} }]);
      const ended = sent.then(
        () => 'published',
        () => 'refused',
      );
      await broker.stop();
      expect(await ended).toBe('refused');
    },
    PER_SPEC_MS,
  );
}
