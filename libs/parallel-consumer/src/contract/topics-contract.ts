import { expect, it } from '@jest/globals';
import type { Broker } from '../broker/broker.js';
import type { ContractTopic, MakeTopic } from './contract-kafka.js';
import { RecordingListener } from './recording-listener.js';
import { failureOf } from './started-member.js';

interface Reading {
  readonly broker: Broker;
  readonly listener: RecordingListener;
}

/** Starts a member that reads both topics. */
async function startReading([first, ...others]: readonly [ContractTopic, ...ContractTopic[]]): Promise<Reading> {
  const broker = first.member(...others);
  const listener = new RecordingListener(broker);
  await broker.start(listener);
  return { broker, listener };
}

const hasPartitions =
  ({ listener }: Reading, count: number) =>
  () =>
    listener.assignment?.length === count;

/** Defines the contract of members that read several topics. */
export function describeTopics(makeTopic: MakeTopic): void {
  it('reads several topics, and commits for each of them', async () => {
    const [orders, payments] = [await makeTopic(2), await makeTopic(1)];
    await orders.append(0, 'order');
    await orders.append(1, 'another order');
    await payments.append(0, 'payment', 'another payment');
    const { broker, listener } = await startReading([orders, payments]);
    expect(broker.topics).toEqual([orders.topic, payments.topic]);
    await listener.until(() => listener.values(0, payments.topic).length === 2);
    await listener.until(() => listener.values(0, orders.topic).length + listener.values(1).length === 2);
    expect(listener.assignment).toHaveLength(3);
    expect(listener.values(0, orders.topic)).toEqual(['order']);
    expect(listener.values(0, payments.topic)).toEqual(['payment', 'another payment']);
    await broker.commit([
      { ...orders.at(0), offset: 1 },
      { ...payments.at(0), offset: 2 },
    ]);
    const committed = await broker.committed([orders.at(0), orders.at(1), payments.at(0)]);
    expect(new Map(committed.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]))).toEqual(
      new Map([
        [`${orders.topic}-0`, 1],
        [`${orders.topic}-1`, undefined],
        [`${payments.topic}-0`, 2],
      ]),
    );
  });

  it('divides the partitions of all topics evenly', async () => {
    const [orders, payments] = [await makeTopic(3), await makeTopic(1)];
    const first = await startReading([orders, payments]);
    await first.listener.until(hasPartitions(first, 4));
    const second = await startReading([orders, payments]);
    await first.listener.until(hasPartitions(first, 2));
    await second.listener.until(hasPartitions(second, 2));
    expect(second.broker.topics).toEqual(first.broker.topics);
  });

  it('commits the offsets of the other topics while one is deleted, and names the partitions that it rejects', async () => {
    const [orders, payments] = [await makeTopic(1), await makeTopic(1)];
    const reading = await startReading([orders, payments]);
    await reading.listener.until(hasPartitions(reading, 2));
    await payments.kafka.deleteTopic(payments.topic);
    const commit = reading.broker.commit([
      { ...payments.at(0), offset: 0 },
      { ...orders.at(0), offset: 0 },
    ]);
    await expect(commit).rejects.toMatchObject({
      code: 'partitions-refused',
      rejected: [{ ...payments.at(0), code: 'UNKNOWN_TOPIC_OR_PARTITION' }],
    });
    expect(await orders.committed(reading.broker, 0)).toMatchObject({ offset: 0 });
  });

  it('reads the other topics while one is deleted, and its health names the missing one', async () => {
    const [orders, payments] = [await makeTopic(1), await makeTopic(1)];
    await payments.append(0, 'payment');
    const reading = await startReading([orders, payments]);
    const { broker, listener } = reading;
    await listener.until(() => listener.values(0, payments.topic).length === 1);
    await payments.kafka.deleteTopic(payments.topic);
    await orders.appendTransaction(0, ['order'], 'commit');
    await listener.until(() => listener.values(0, orders.topic).length === 1);
    expect((await failureOf(broker, 'fetchFailure')).topic).toBe(payments.topic);
  });
}
