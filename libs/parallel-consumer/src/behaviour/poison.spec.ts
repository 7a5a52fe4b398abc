import { describe, expect, it } from '@jest/globals';
import type { Broker } from '../broker/broker.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import { RecordsRejectedError } from '../failures/records-rejected.js';
import type { ConsumedRecord, OutgoingRecord } from '../records/record.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { RecordingLogger } from './gated-consumer.js';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';

const ACK_MS = 5;

const poison = new Error('poison');
const unavailable = new Error('no database');

interface Circumstances {
  /** The broker rejects larger dead letters. */
  readonly maxLetterBytes?: number;
  readonly inFlight?: number;
  readonly poisonShare?: number;
  /** Number of extra promise steps that a failure takes compared with a success. */
  readonly failureSteps?: number;
  /** By topic, the number of partitions. Default: one topic with four. */
  readonly partitions?: Readonly<Record<string, number>>;
  /** Invalid records never end, instead of failing. */
  readonly hangs?: boolean;
}

/** Starts a consumer of a topic with the given number of records, on a broker that acknowledges a publish after 5 ms. */
async function consumingAll(
  records: number,
  isPoison: (number: number) => boolean,
  {
    maxLetterBytes = Infinity,
    inFlight = 500,
    failureSteps = 0,
    hangs = false,
    partitions = { orders: 4 },
    ...options
  }: Circumstances = {},
) {
  const kafka = new FakeKafka();
  for (const [topic, count] of Object.entries({ ...partitions, dead: 4 })) kafka.createTopic(topic, count);
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const inner = new FakeBroker(kafka, { topic: Object.keys(partitions), groupId: 'savers', fetching: 'auto' });
  const broker: Broker = Object.assign(inner, {
    publish: async (topic: string, letters: readonly OutgoingRecord[]) => {
      await new Promise<void>((resolve) => void clock.after(ACK_MS, resolve));
      const tooLarge = letters.some(({ key, headers }) => JSON.stringify([key, headers]).length > maxLetterBytes);
      if (tooLarge) throw new RecordsRejectedError('MESSAGE_TOO_LARGE', {});
      for (const letter of letters) kafka.produce(topic, letter);
      inner.published.push(letters.length);
    },
  });
  let poisonIs: (record: ConsumedRecord) => boolean = ({ value }) => isPoison(Number(value));
  let error = poison;
  const consumer = new ParallelConsumer(
    {
      handler: async (record) => {
        if (!poisonIs(record)) return;
        for (let step = 0; step < failureSteps; step += 1) await Promise.resolve();
        if (hangs) await new Promise<void>(() => undefined);
        throw error;
      },
      classify: (each) => (each === unavailable ? 'environment' : 'poison'),
      logger: log,
      deadLetterTopic: 'dead',
      inFlight,
      ...options,
      clock,
      random: () => 1,
    },
    broker,
  );
  const sources = Object.entries(partitions).flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition): [string, number] => [topic, partition]),
  );
  for (let number = 0; number < records; number += 1) {
    const [topic, partition] = sources[number % sources.length] ?? ['orders', 0];
    kafka.append(topic, partition, `key-${number}`, String(number));
  }
  await consumer.start();
  await settle();
  const heal = (): void => {
    poisonIs = () => false;
  };
  const failWith = (other: Error): void => {
    error = other;
  };
  return { kafka, clock, consumer, log, inner, heal, failWith };
}

describe('dead letters', () => {
  it('are published in batches: 200 dead letters need at most 4 publishes', async () => {
    const { kafka, clock, inner } = await consumingAll(200, () => true);
    const startedAt = clock.now();
    while (kafka.records('dead').length < 200) await clock.advance(ACK_MS);
    expect(inner.published.length).toBeLessThanOrEqual(4);
    expect(clock.now() - startedAt).toBeLessThanOrEqual(60);
  });

  it('also omit key and headers when they are too large without the value', async () => {
    const { kafka, clock, consumer } = await consumingAll(1, () => true, { maxLetterBytes: 700 });
    kafka.append('orders', 0, 'k'.repeat(1_000), '0', { headers: { large: Buffer.alloc(1_000) } });
    await clock.advance(10_000);
    const letters = kafka.records('dead');
    expect(letters).toHaveLength(2);
    const large = letters.find(({ key }) => key === null);
    expect(large?.headers['large']).toBeUndefined();
    expect(String(large?.headers['dead-letter-origin-offset'])).toBe('1');
    expect(Number(large?.headers['dead-letter-key-and-headers-omitted'])).toBeGreaterThanOrEqual(2_000);
    expect(consumer.status).toMatchObject({ deadLettered: 2, lag: 0 });
  });
});

describe('a mass failure of records', () => {
  it('suspends the consumer instead of flooding the dead letters, and ends with the first handled record', async () => {
    const { kafka, clock, consumer, log, heal } = await consumingAll(5_000, () => true);
    await clock.advance(30_000);
    // The limit, plus one for each probe since.
    expect(kafka.records('dead').length).toBeLessThanOrEqual(520);
    expect(consumer.status).toMatchObject({ ready: false, suspendedBecause: 'poison-storm' });
    expect(log.matching(/suspended: mass failure of records/).length).toBeGreaterThan(1);
    const lettersBefore = kafka.records('dead').length;
    heal();
    await clock.advance(20_000);
    expect(consumer.status).toMatchObject({ ready: true, suspendedBecause: undefined, lag: 0 });
    expect(kafka.records('dead')).toHaveLength(lettersBefore);
  });

  it('dead-letters nothing more once a dependency has been unavailable, until a record succeeds', async () => {
    const { kafka, clock, consumer, failWith, heal } = await consumingAll(2_000, () => true);
    await clock.advance(30_000);
    failWith(unavailable);
    await clock.advance(10_000);
    expect(consumer.status.suspendedBecause).toBe('environment');
    const lettersBefore = kafka.records('dead').length;
    failWith(poison);
    await clock.advance(60_000);
    expect(kafka.records('dead')).toHaveLength(lettersBefore);
    heal();
    await clock.advance(20_000);
    expect(consumer.status).toMatchObject({ ready: true, deadLettered: lettersBefore, lag: 0 });
  });

  it('is detected on one partition of each of three topics', async () => {
    const partitions = { orders: 1, payments: 1, refunds: 1 };
    const { kafka, clock, consumer } = await consumingAll(5_000, () => true, { partitions });
    await clock.advance(30_000);
    expect(kafka.records('dead').length).toBeLessThanOrEqual(520);
    expect(consumer.status.suspendedBecause).toBe('poison-storm');
  });

  it('is detected when nearly all attempts are abandoned, and classified as poison', async () => {
    const { kafka, clock, consumer } = await consumingAll(5_000, () => true, { inFlight: 2_000, hangs: true });
    await clock.advance(310_000);
    expect(kafka.records('dead').length).toBeLessThanOrEqual(520);
    expect(consumer.status).toMatchObject({ ready: false, suspendedBecause: 'poison-storm' });
  });

  it('is not detected with a poison share of 1, so that all records are dead-lettered', async () => {
    const { kafka, clock, consumer } = await consumingAll(5_000, () => true, { poisonShare: 1 });
    await clock.advance(30_000);
    expect(kafka.records('dead')).toHaveLength(5_000);
    expect(consumer.status).toMatchObject({ ready: true, lag: 0 });
  });

  it('is not detected when every tenth record is invalid', async () => {
    const { kafka, clock, consumer } = await consumingAll(3_000, (number) => number % 10 === 0);
    await clock.advance(10_000);
    expect(kafka.records('dead')).toHaveLength(300);
    expect(consumer.status).toMatchObject({ ready: true, lag: 0 });
  });

  it('is not detected when a fifth of the records are invalid and all of them fail after the others succeed', async () => {
    const { kafka, clock, consumer } = await consumingAll(5_000, (number) => number % 5 === 0, {
      inFlight: 5_000,
      failureSteps: 10,
    });
    await clock.advance(10_000);
    expect(kafka.records('dead')).toHaveLength(1_000);
    expect(consumer.status).toMatchObject({ ready: true, lag: 0 });
  });
});
