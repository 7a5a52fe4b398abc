import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MetadataRefusedError, type Broker } from '../kafka/broker.js';
import { ContractTopic, type ContractKafka, type MakeTopic } from './contract-kafka.js';
import { RecordingListener } from './recording-listener.js';
import { describeMembership } from './membership-contract.js';

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

    describeFetching(topicOf);
    describeCommits(topicOf);
    describePublishing(topicOf);
    describeMembership(topicOf, PER_SPEC_MS);
  });
}

function describeFetching(topicOf: MakeTopic): void {
  it(
    'tells the assignment before the first fetch, all partitions for the only member',
    async () => {
      const topic = await topicOf(3);
      for (const partition of [0, 1, 2]) await topic.append(partition, 'a');
      const listener = new RecordingListener();
      await topic.member().start(listener);
      await listener.until(() => [0, 1, 2].every((partition) => listener.values(partition).length === 1));
      const first = listener.calls.find(({ type }) => type !== 'rebalancing');
      expect(first).toEqual({ type: 'assigned', partitions: expect.arrayContaining([0, 1, 2]), kept: false });
    },
    PER_SPEC_MS,
  );

  it(
    'fetches from the first record when nothing is committed, all of them, ascending',
    async () => {
      const topic = await topicOf(1);
      const values = Array.from({ length: 250 }, (_, index) => `v${index}`);
      await topic.append(0, ...values);
      const listener = new RecordingListener();
      await topic.member().start(listener);
      await listener.until(() => listener.values(0).length >= values.length);
      expect(listener.values(0)).toEqual(values);
      let next = 0;
      for (const { fetchOffset, lastOffset, highWatermark, records } of listener.fetches(0)) {
        expect(fetchOffset).toBe(next);
        expect(records[0]?.offset).toBeGreaterThanOrEqual(fetchOffset);
        expect(lastOffset).toBe(records.at(-1)?.offset);
        expect(highWatermark).toBe(250);
        next = lastOffset + 1;
      }
    },
    PER_SPEC_MS,
  );

  it(
    'fetches again from where the engine says, be it in the batch or before it',
    async () => {
      const topic = await topicOf(1);
      await topic.append(0, 'a', 'b', 'c');
      const left = [2, 0];
      const listener = new RecordingListener({ fetched: async () => left.shift() });
      await topic.member().start(listener);
      await listener.until(() => listener.fetches(0).length === 3);
      expect(listener.fetches(0).map(({ fetchOffset }) => fetchOffset)).toEqual([0, 2, 0]);
      expect(listener.values(0)).toEqual(['a', 'b', 'c', 'c', 'a', 'b', 'c']);
    },
    PER_SPEC_MS,
  );

  it(
    'covers markers and aborted records, which it never hands out',
    async () => {
      const topic = await topicOf(1);
      await topic.kafka.appendTransaction(topic.topic, 0, ['a', 'b'], 'commit');
      await topic.kafka.appendTransaction(topic.topic, 0, ['never'], 'abort');
      await topic.append(0, 'c');
      const listener = new RecordingListener();
      await topic.member().start(listener);
      await listener.until(() => listener.covered(0) >= 6);
      expect(listener.values(0)).toEqual(['a', 'b', 'c']);
      // From here on nothing but aborted records and a marker.
      await topic.kafka.appendTransaction(topic.topic, 0, ['never', 'ever'], 'abort');
      await listener.until(() => listener.covered(0) >= 9);
      expect(listener.values(0)).toEqual(['a', 'b', 'c']);
    },
    PER_SPEC_MS,
  );

  it.each([
    ['goes on at the first record that is left, when the engine says so', true],
    ['fetches nothing more of that partition alone, when the engine says so', false],
  ])(
    'asks once what it is to read was deleted, and %s',
    async (_what, goOn) => {
      const topic = await topicOf(2);
      await topic.append(0, 'a', 'b', 'c', 'd');
      const before = topic.member();
      const first = new RecordingListener();
      await before.start(first);
      await first.until(() => first.values(0).length === 4);
      await before.commit([{ ...topic.at(0), offset: 1 }]);
      await before.stop();
      await topic.kafka.deleteBefore(topic.topic, 0, 3);
      const listener = new RecordingListener({ deleted: () => goOn });
      await topic.member().start(listener);
      await listener.until(() => listener.calls.some(({ type }) => type === 'deleted'));
      await topic.append(1, 'other');
      await listener.until(() => listener.values(1).length === 1 && (!goOn || listener.values(0).length === 1));
      expect(listener.calls).toContainEqual({ type: 'deleted', partition: 0, committed: 1, earliest: 3 });
      expect(listener.values(0)).toEqual(goOn ? ['d'] : []);
    },
    PER_SPEC_MS,
  );
}

async function joined(topic: ContractTopic): Promise<Broker> {
  const broker = topic.member();
  const listener = new RecordingListener();
  await broker.start(listener);
  await listener.until(() => listener.assignment !== undefined);
  return broker;
}

function describeCommits(topicOf: MakeTopic): void {
  it(
    'reads back what was committed, with its metadata, also for a later member; nothing for what was not',
    async () => {
      const topic = await topicOf(2);
      await topic.append(0, 'a', 'b', 'c');
      const broker = await joined(topic);
      await broker.commit([{ ...topic.at(0), offset: 2, metadata: 'a map' }]);
      const position = { offset: 2, from: 2, metadata: 'a map' };
      expect(await topic.committed(broker, 0)).toEqual(position);
      expect(await topic.committed(broker, 1)).toEqual({ offset: undefined, from: 0, metadata: '' });
      await broker.stop();
      const listener = new RecordingListener();
      const later = topic.member();
      await later.start(listener);
      await listener.until(() => listener.values(0).length === 1);
      expect(await topic.committed(later, 0)).toEqual(position);
      expect(listener.values(0)).toEqual(['c']);
    },
    PER_SPEC_MS,
  );

  it(
    'forgets the metadata with a commit that has none',
    async () => {
      const topic = await topicOf(1);
      await topic.append(0, 'a', 'b');
      const broker = await joined(topic);
      await broker.commit([{ ...topic.at(0), offset: 1, metadata: 'a map' }]);
      await broker.commit([{ ...topic.at(0), offset: 2 }]);
      expect(await topic.committed(broker, 0)).toEqual({ offset: 2, from: 2, metadata: '' });
    },
    PER_SPEC_MS,
  );

  it(
    'takes 4,000 characters of metadata; of more it says that they are too many, and stores nothing',
    async () => {
      const topic = await topicOf(1);
      await topic.append(0, 'a', 'b');
      const broker = await joined(topic);
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
      await topic.member().publish(topic.topic, record);
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
      const sent = broker.publish(`${topic.topic}-missing`, { partition: 0, key: null, value: null, headers: {} });
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
