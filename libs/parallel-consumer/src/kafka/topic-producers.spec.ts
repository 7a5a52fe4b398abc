import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { RecordingLogger } from '../behaviour/gated-consumer.js';
import { METADATA } from '../protocol/metadata-request.js';
import { PRODUCE } from '../protocol/produce-request.js';
import { ReliableProducer } from './reliable-producer.js';
import type { ScriptedConnections } from './testing/scripted-connections.js';
import { records, scriptedKafka, topicWith } from './testing/scripted-topic.js';
import { TopicProducers } from './topic-producers.js';

/** Producers of a Kafka in which the topic `dead` is missing until `create` is called. */
function withoutDeadLetterTopic() {
  const clock = new ManualClock();
  const connected: ScriptedConnections[] = [];
  let isMissing = true;
  const connect = (): ScriptedConnections => {
    const connections = scriptedKafka().answer(METADATA, ([topic]) =>
      topicWith(topic === 'dead' && isMissing ? 0 : 12),
    );
    connected.push(connections);
    return connections;
  };
  const producers = new TopicProducers(
    () => new ReliableProducer({ connect, logger: new RecordingLogger(), clock, random: () => 1 }),
  );
  const sent = (): string[] => connected.flatMap((connections) => connections.made(PRODUCE).map(({ topic }) => topic));
  const create = (): void => {
    isMissing = false;
  };
  return { producers, clock, connected, sent, create };
}

describe('the producers of a broker', () => {
  it('send retries while the dead-letter topic is deleted, and the dead letters once it exists again', async () => {
    const { producers, clock, sent, create } = withoutDeadLetterTopic();
    const letter = producers.send('dead', records(0));
    await clock.advance(60_000);
    for (const topic of ['retry-1m', 'retry-1h', 'retry-1m']) await producers.send(topic, records(0));
    expect(sent()).toEqual(['retry-1m', 'retry-1m', 'retry-1h']);
    expect(producers.failures).toMatchObject([{ topic: 'dead', code: 'UNKNOWN_TOPIC_OR_PARTITION' }]);
    create();
    await clock.advance(10_000);
    await letter;
    expect(sent()).toContain('dead');
    expect(producers.failures).toEqual([]);
  });

  it('send the records of one topic in the order of the calls', async () => {
    const { producers, clock, connected } = withoutDeadLetterTopic();
    const sends = [0, 1, 2].map(async (partition) => producers.send('retry-1m', records(partition)));
    await settle();
    await clock.advance(1_000);
    await Promise.all(sends);
    const [only, ...others] = connected;
    expect(others).toEqual([]);
    expect(only?.made(PRODUCE).map(({ batches }) => batches.map(({ partition }) => partition))).toEqual([
      [0],
      [1],
      [2],
    ]);
  });

  it('close all connections, and send nothing more', async () => {
    const { producers, clock, connected } = withoutDeadLetterTopic();
    const letter = producers.send('dead', records(0)).catch(String);
    await producers.send('retry-1m', records(0));
    const closed = producers.close();
    await clock.advance(10_000);
    await closed;
    expect(connected.map(({ isClosed }) => isClosed)).toEqual([true, true]);
    expect(await letter).toMatch('closed before Kafka acknowledged');
    await expect(producers.send('retry-1h', records(0))).rejects.toThrow('the producers are closed');
    expect(connected).toHaveLength(2);
  });
});
