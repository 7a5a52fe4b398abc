import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '@orders-pipeline/clock';
import { MetadataRejectedError } from '../broker/broker.js';
import type { OutgoingRecord } from '../records/record.js';
import { ContractTopic, type ContractKafka, type MakeTopic } from './contract-kafka.js';
import { describeCooperation } from './cooperative-contract.js';
import { describeMembership } from './membership-contract.js';
import { describeReading } from './reading-contract.js';
import { describeTopics } from './topics-contract.js';
import { failureOf, joinGroup, startMember } from './started-member.js';

const HOUR_MS = 3_600_000;

/**
 * Defines the contract of a `Broker` on which the engine relies, as specs that run without the engine. They run on the fake and
 * on the real Kafka; a difference is a defect of the fake.
 * @param provide starts or creates the Kafka, once for all specs
 */
export function describeBrokerContract(name: string, provide: () => Promise<ContractKafka>): void {
  describe(`a broker of ${name}`, () => {
    let kafka: ContractKafka;
    const topics: ContractTopic[] = [];
    const makeTopic: MakeTopic = async (partitions) => {
      const topic = await ContractTopic.create(kafka, partitions);
      topics.push(topic);
      return topic;
    };

    beforeAll(async () => {
      kafka = await provide();
    });

    afterEach(async () => {
      for (const topic of topics.splice(0)) await topic.end();
    });

    afterAll(async () => {
      await kafka.end();
    });

    describeReading(makeTopic);
    describeCommits(makeTopic);
    describePublishing(makeTopic);
    describeMembership(makeTopic);
    describeCooperation(makeTopic);
    describeTopics(makeTopic);
  });
}

function describeCommits(makeTopic: MakeTopic): void {
  it('returns committed offsets with leader epoch and metadata, also to a later member, and undefined where nothing is committed', async () => {
    const topic = await makeTopic(2);
    await topic.append(0, 'a', 'b', 'c');
    const { broker } = await joinGroup(topic);
    await broker.commit([{ ...topic.at(0), offset: 2, leaderEpoch: 0, metadata: 'a map' }]);
    const position = { offset: 2, from: 2, metadata: 'a map', leaderEpoch: 0 };
    expect(await topic.committed(broker, 0)).toMatchObject(position);
    expect(await topic.committed(broker, 1)).toMatchObject({ offset: undefined, from: 0, metadata: '' });
    await broker.stop();
    const { broker: later, listener } = await startMember(topic);
    await listener.until(() => listener.values(0).length === 1);
    expect(await topic.committed(later, 0)).toMatchObject(position);
    expect(listener.values(0)).toEqual(['c']);
  });

  it('clears the metadata with a commit that has none', async () => {
    const topic = await makeTopic(1);
    await topic.append(0, 'a', 'b');
    const { broker } = await joinGroup(topic);
    await broker.commit([{ ...topic.at(0), offset: 1, metadata: 'a map' }]);
    await broker.commit([{ ...topic.at(0), offset: 2 }]);
    expect(await topic.committed(broker, 0)).toMatchObject({ offset: 2, from: 2, metadata: '' });
  });

  it('stores 4,000 characters of metadata, and rejects 5,000 with MetadataRejectedError without storing the commit', async () => {
    const topic = await makeTopic(1);
    await topic.append(0, 'a', 'b');
    const { broker } = await joinGroup(topic);
    await broker.commit([{ ...topic.at(0), offset: 1, metadata: 'm'.repeat(4_000) }]);
    const tooMuch = broker.commit([{ ...topic.at(0), offset: 2, metadata: 'm'.repeat(5_000) }]);
    await expect(tooMuch).rejects.toBeInstanceOf(MetadataRejectedError);
    expect((await topic.committed(broker, 0)).offset).toBe(1);
  });
}

function describePublishing(makeTopic: MakeTopic): void {
  it('publishes to the given partition, with key, value, headers and the present time', async () => {
    const topic = await makeTopic(3);
    const record = {
      partition: 2,
      key: 'k',
      value: Buffer.from('v'),
      headers: { text: 'é', bytes: Buffer.from([0, 127]) },
    };
    await topic.member().publish(topic.topic, [record]);
    const [read] = await topic.kafka.read(topic.topic, 1);
    expect(read).toMatchObject({ partition: 2, offset: 0, key: Buffer.from('k'), value: Buffer.from('v') });
    expect(Math.abs((read?.timestamp ?? 0) - systemClock.now())).toBeLessThan(HOUR_MS);
    expect(read?.headers).toEqual({ text: Buffer.from('é'), bytes: Buffer.from([0, 127]) });
  });

  it('never resolves a publish to a topic that does not exist', async () => {
    const topic = await makeTopic(1);
    const broker = topic.member();
    const ended = endOf(broker.publish(`${topic.topic}-missing`, [toPartition(0)]));
    await broker.stop();
    expect(await ended).toBe('refused');
  });

  it('publishes once the missing topic exists; until then, its health has the topic and the reason', async () => {
    const { kafka, topic, broker } = await memberOfNewTopic(makeTopic);
    const target = `${topic}-missing`;
    const sent = broker.publish(target, [toPartition(0)]);
    const failure = await failureOf(broker, 'publishFailures');
    expect(failure).toMatchObject({ topic: target, code: 'UNKNOWN_TOPIC_OR_PARTITION' });
    expect(failure.reason).not.toBe('');
    await kafka.createTopic(target, 1);
    await sent;
    expect(broker.health.publishFailures).toEqual([]);
    expect(await kafka.read(target, 1)).toHaveLength(1);
  });

  it('publishes to other topics while one is deleted, and to that one once it is created again', async () => {
    const { kafka, topic, broker } = await memberOfNewTopic(makeTopic);
    const deleted = await makeTopic(1);
    await broker.publish(deleted.topic, [toPartition(0)]);
    await kafka.deleteTopic(deleted.topic);
    const waiting = broker.publish(deleted.topic, [toPartition(0)]);
    await failureOf(broker, 'publishFailures');
    await broker.publish(topic, [toPartition(0)]);
    expect(await kafka.read(topic, 1)).toHaveLength(1);
    await kafka.createTopic(deleted.topic, 1);
    await waiting;
  });

  it('does not publish to a partition that does not exist, and its health names the topic', async () => {
    const { topic, broker } = await memberOfNewTopic(makeTopic);
    const ended = endOf(broker.publish(topic, [toPartition(1)]));
    expect(await failureOf(broker, 'publishFailures')).toMatchObject({ topic });
    await broker.stop();
    expect(await ended).toBe('refused');
  });
}

async function memberOfNewTopic(makeTopic: MakeTopic) {
  const source = await makeTopic(1);
  return { kafka: source.kafka, topic: source.topic, broker: source.member() };
}

function toPartition(partition: number): OutgoingRecord {
  return { partition, key: null, value: null, headers: {} };
}

async function endOf(sent: Promise<void>): Promise<'published' | 'refused'> {
  return sent.then(
    () => 'published',
    () => 'refused',
  );
}
