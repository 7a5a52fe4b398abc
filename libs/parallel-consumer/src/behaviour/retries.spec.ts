import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { retryTopics } from '../handlers/retry-topics.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { consuming, RecordingLogger } from './gated-consumer.js';

const classify = (error: unknown) => (String(error).endsWith('environment') ? 'environment' : 'retriable');

describe('the log of retries', () => {
  it('has each retry: one as a warning every 10 s with the number of the others, which are at debug', async () => {
    const names = Array.from({ length: 50 }, (_, number) => `order-${number}`);
    const { clock, consumer, gate, log } = await consuming(
      { retryBackOff: { initialMs: 20_000, maxMs: 20_000 } },
      (topic) => {
        for (const name of names) topic.append(0, name, name);
      },
    );
    for (const name of names) await gate.fail(name, new RangeError('no quantity'));
    const retries = log.entries.filter(({ message }) => message === 'attempt failed: retrying');
    expect(retries).toHaveLength(consumer.status.retries);
    expect(retries.filter(({ level }) => level === 'warn').map(({ details }) => details)).toEqual([
      {
        topic: 'orders',
        partition: 0,
        offset: 0,
        attempt: 1,
        maxAttempts: 5,
        code: 'RangeError',
        reason: 'no quantity',
        retryInMs: 20_000,
        otherRetries: 0,
      },
    ]);
    await clock.advance(20_000);
    await gate.fail('order-0', new RangeError('no quantity'));
    expect(log.entries.findLast(({ level }) => level === 'warn')?.details).toMatchObject({
      offset: 0,
      attempt: 2,
      otherRetries: 49,
    });
  });
});

describe('retry topics', () => {
  it('get no record during an outage, whose other errors do not count', async () => {
    const kafka = new FakeKafka();
    for (const topic of ['in', 'later', 'dead']) kafka.createTopic(topic, 1);
    const clock = new ManualClock();
    const inner = new FakeBroker(kafka, { topic: ['in', 'later'], groupId: 'savers', clock, fetching: 'auto' });
    const kinds = ['retriable', 'environment', 'retriable', 'retriable'] as const;
    let attempts = 0;
    const handle = async (): Promise<void> => {
      attempts += 1;
      if (kinds[attempts - 1] !== undefined) throw new Error(kinds[attempts - 1]);
    };
    const steps = [{ topic: 'later', delayMs: 60_000 }];
    const { broker, handler } = retryTopics(inner, handle, { steps, attempts: 2, classify, clock });
    const logger = new RecordingLogger();
    const consumer = new ParallelConsumer({ handler, classify, clock, logger, deadLetterTopic: 'dead' }, broker);
    kafka.append('in', 0, 'a', 'good');
    await consumer.start();
    await clock.advance(60_000);
    expect([attempts, kafka.records('later').length, consumer.status.finished]).toEqual([5, 0, 1]);
    await consumer.stop();
  });
});
