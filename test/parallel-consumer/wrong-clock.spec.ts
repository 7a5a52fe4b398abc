import { expect, it } from '@jest/globals';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import { KafkajsConnections, ReliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
import { workerKafka } from '../support/own-servers.js';
import { eventually } from '../support/eventually.js';
import { TestGroup, numberedRecords } from '../support/member/test-group.js';
import { recordsOn } from '../support/topic-writer.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const TWO_HOURS = 7_200_000;

it('a producer whose clock is two hours ahead sends its records once the clock is corrected, each once', async () => {
  const group = await TestGroup.on(workerKafka(), 'clock', { partitions: 2 }, 'without dead letters');
  let ahead = TWO_HOURS;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead };
  const connect = (): KafkajsConnections => new KafkajsConnections(group.kafka);
  const producer = new ReliableProducer({ connect, logger: quiet, clock });
  try {
    const sending = producer.send(group.topic, numberedRecords(10, 2, 2));
    // Kafka's default for `message.timestamp.after.max.ms` is one hour.
    await eventually('Kafka rejects the time', () => producer.failure?.code === 'INVALID_TIMESTAMP');
    expect(await recordsOn(group.kafka, group.topic)).toBe(0);
    ahead = 0;
    await sending;
    expect(await recordsOn(group.kafka, group.topic)).toBe(10);
  } finally {
    await producer.close();
    await group.end();
  }
});
