import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { ParallelConsumer } from '../parallel-consumer.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { StuckCheck } from './stuck-check.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('a stuck consumer', () => {
  let clock: ManualClock;
  let kafka: FakeKafka;
  let broker: FakeBroker;
  let consumer: ParallelConsumer;
  /** Ends the attempts that run. */
  let release: (() => void)[];
  let stuck: StuckCheck;

  beforeEach(async () => {
    clock = new ManualClock();
    kafka = new FakeKafka();
    for (const topic of ['orders', 'later', 'dead']) kafka.createTopic(topic, 1);
    broker = new FakeBroker(kafka, { topic: ['orders', 'later'], groupId: 'group', clock });
    release = [];
    const handler = async (): Promise<void> => new Promise((resolve) => release.push(resolve));
    const limits = { inFlight: 2, attemptTimeoutMs: 100_000_000 };
    consumer = new ParallelConsumer({ handler, deadLetterTopic: 'dead', clock, logger: quiet, ...limits }, broker);
    stuck = new StuckCheck({ stuckAfterMs: 60_000, delayedTopics: ['later'], clock });
    await consumer.start();
  });

  async function append(topic: string, ...values: readonly string[]): Promise<void> {
    for (const value of values) kafka.append(topic, 0, value, value);
    await broker.fetch();
  }

  /** Checks each 10 s. @returns what the last check found */
  async function pass(ms: number): Promise<string | undefined> {
    let found: string | undefined;
    for (let passed = 0; passed < ms; passed += 10_000) {
      await clock.advance(10_000);
      found = stuck.check(consumer.status);
    }
    return found;
  }

  it('is found once nothing was finished for so long, with what it does', async () => {
    await append('orders', 'a', 'b', 'c');
    expect(await pass(60_000)).toBeUndefined();
    expect(await pass(10_000)).toBe(
      'no record was finished for 60 s: the lag is 3, and 2 of at most 2 are in the handler',
    );
    release.shift()?.();
    await settle();
    expect(await pass(60_000)).toBeUndefined();
    expect(await pass(10_000)).toMatch(/the lag is 2,/);
  });

  it('is not one without records, or whose records have to wait', async () => {
    expect(await pass(600_000)).toBeUndefined();
    await append('later', 'a');
    expect(await pass(600_000)).toBeUndefined();
  });

  it('is not one that can not read on before a transaction ends', async () => {
    kafka.append('orders', 0, 'a', 'a');
    kafka.beginTransaction('orders', 0).append('b');
    await append('orders', 'c');
    release.shift()?.();
    await settle();
    expect(consumer.status.partitions[0]).toMatchObject({ lag: 2, readableLag: 0 });
    expect(await pass(600_000)).toBeUndefined();
  });

  it('is not one that is paused, or not ready', async () => {
    await append('orders', 'a', 'b', 'c');
    consumer.pause();
    expect(await pass(600_000)).toBeUndefined();
    consumer.resume();
    broker.lastContactAt = 0;
    expect(await pass(600_000)).toBeUndefined();
    broker.lastContactAt = Number.POSITIVE_INFINITY;
    expect(await pass(70_000)).toMatch(/the lag is 3,/);
  });

  it.each([
    [{ stuckAfterMs: 0 }, 'stuckAfterMs must be a number of ms above 0, got 0'],
    [{ delayedTopics: 'later' }, 'delayedTopics must be a list of topics'],
    [{ after: 1 }, 'after is not an option'],
  ])('refuses %j', (options, message) => {
    expect(() => new StuckCheck(options as never)).toThrow(message);
  });
});
