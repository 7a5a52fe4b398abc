import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { RecordingLogger } from '../behaviour/gated-consumer.js';
import { RecordsRejectedError } from '../failures/records-rejected.js';
import { KafkaError } from '../protocol/kafka-error.js';
import { METADATA } from '../protocol/metadata-request.js';
import { INIT_PRODUCER_ID, PRODUCE } from '../protocol/produce-request.js';
import type { OutgoingRecord } from '../records/record.js';
import { ReliableProducer } from './reliable-producer.js';
import { BASE_TIMESTAMP_AT } from '../records/batch-layout.js';
import { sentBatch } from './testing/sent-batch.js';
import type { ScriptedConnections } from './testing/scripted-connections.js';
import {
  INVALID_TIMESTAMP,
  NOT_LEADER,
  OK,
  OUT_OF_ORDER,
  produced,
  records,
  scriptedKafka,
  TOO_LARGE,
  topicWith,
} from './testing/scripted-topic.js';

/** `max.message.bytes` of a topic by default. */
const KAFKA_MAX_BYTES = 1_048_588;

describe('the reliable producer', () => {
  let clock: ManualClock;
  let logger: RecordingLogger;
  let kafka: ScriptedConnections;
  /** All connections that the producer has asked for; the first is `kafka`. */
  let connected: ScriptedConnections[];
  let producer: ReliableProducer;

  beforeEach(() => {
    clock = new ManualClock();
    logger = new RecordingLogger();
    kafka = scriptedKafka();
    connected = [];
    const connect = (): ScriptedConnections => {
      const next = connected.length === 0 ? kafka : scriptedKafka();
      connected.push(next);
      return next;
    };
    producer = new ReliableProducer({ connect, logger, clock, random: () => 1 });
  });

  /** The values of each request, in order. */
  const sent = (of = kafka): string[][] =>
    of.made(PRODUCE).map(({ batches }) => batches.flatMap(({ records: bytes }) => sentBatch(bytes).values));

  it('resolves with the base offset of each partition, and asks each leader for its own', async () => {
    expect(await producer.send('payments', records(0, 1, 0))).toEqual([
      { partition: 0, records: 2, baseOffset: 7 },
      { partition: 1, records: 1, baseOffset: 7 },
    ]);
    const requests = kafka.requests.filter(({ api }) => api === 'Produce');
    expect(requests.map(({ node }) => node)).toEqual([0, 1]);
    expect(sent()).toEqual([['0-0', '0-2'], ['1-1']]);
  });

  it('resends only what is not acknowledged, in the same order, before anything else, to the new leader', async () => {
    kafka.answer(
      METADATA,
      () => topicWith(12),
      () => topicWith(12, () => 0),
    );
    kafka.answer(
      PRODUCE,
      (request) => produced(request, (partition) => (partition === 1 ? NOT_LEADER : OK)),
      (request) => produced(request, (partition) => (partition === 1 ? NOT_LEADER : OK)),
      (request) => produced(request),
    );
    const first = producer.send('payments', records(0, 1, 1));
    const second = producer.send('payments', records(2));
    await clock.advance(1_000);
    await Promise.all([first, second]);
    expect(sent()).toEqual([['0-0'], ['1-1', '1-2'], ['1-1', '1-2'], ['2-0']]);
    expect(kafka.requests.filter(({ api }) => api === 'Produce').map(({ node }) => node)).toEqual([0, 1, 0, 0]);
  });

  it('sends one batch at a time, however many wait', async () => {
    let [running, most] = [0, 0];
    kafka.answer(PRODUCE, async (request) => {
      running += 1;
      most = Math.max(most, running);
      await settle();
      running -= 1;
      return produced(request);
    });
    await Promise.all(Array.from({ length: 10 }, () => producer.send('payments', records(0))));
    expect(most).toBe(1);
  });

  it('sends 5,000 orders of one account with a 64-character id in batches that Kafka accepts, in order, one after another', async () => {
    let running = 0;
    kafka.answer(PRODUCE, async (request) => {
      expect((running += 1)).toBe(1);
      for (const batch of request.batches) expect(batch.records.length).toBeLessThanOrEqual(KAFKA_MAX_BYTES);
      await settle();
      running -= 1;
      return produced(request);
    });
    const orders = Array.from({ length: 5_000 }, (_, index) => ({
      partition: 3,
      key: 'a'.repeat(64),
      value: Buffer.from(String(index).padEnd(120)),
      headers: { 'operation-id': 'f'.repeat(36), index: String(index) },
    }));
    const acknowledged = await producer.send('payments', orders);
    expect(sent().flat()).toEqual(orders.map(({ value }) => String(value)));
    expect(acknowledged.map(({ partition, records: count }) => [partition, count])).toEqual(
      sent().map(({ length }) => [3, length]),
    );
  });

  it('sends records of many partitions in requests of at most 4 MiB, and a record of more than 1 MiB alone', async () => {
    const large = Array.from({ length: 40 }, (_, index) => ({
      partition: index % 8,
      key: null,
      value: Buffer.alloc(index === 20 ? 2_000_000 : 900_000),
      headers: {},
    }));
    await producer.send('payments', large);
    const requests = kafka.made(PRODUCE).map(({ batches }) => batches.map(({ records: { length } }) => length));
    for (const batches of requests) expect(batches.reduce((sum, bytes) => sum + bytes)).toBeLessThan(4 * 1_048_576);
    expect(requests.flat().filter((bytes) => bytes > KAFKA_MAX_BYTES)).toEqual([expect.closeTo(2_000_000, -3)]);
    expect(requests.flat()).toHaveLength(40);
  });

  it('retries the identical batch after errors, without limit', async () => {
    let failures = 30;
    kafka.answer(PRODUCE, (request) => ((failures -= 1) >= 0 ? new Error('Broker not connected') : produced(request)));
    const sending = producer.send('payments', records(0, 2));
    await clock.advance(10 * 60_000);
    await sending;
    expect(new Set(sent().map((batch) => batch.join())).size).toBe(1);
    expect(sent()).toHaveLength(31);
  });

  it('sends records again with the present time while Kafka rejects their time, and reports that', async () => {
    kafka.answer(PRODUCE, (request) => {
      const isRight = request.batches.every(({ records: bytes }) => bytes.readBigInt64BE(BASE_TIMESTAMP_AT) >= 30_000n);
      return produced(request, () => (isRight ? OK : INVALID_TIMESTAMP));
    });
    const sending = producer.send('payments', records(0, 1));
    await clock.advance(20_000);
    expect(producer.failure).toMatchObject({ topic: 'payments', code: 'INVALID_TIMESTAMP' });
    await clock.advance(20_000);
    expect(await sending).toHaveLength(2);
    expect(connected).toHaveLength(1);
  });

  it('dates records by the clock of the machine, also after a correction', async () => {
    const dated = new ReliableProducer({ connect: () => kafka, logger });
    const now = jest.spyOn(Date, 'now');
    const times = [7_200_000, 5_000];
    for (const time of times) {
      now.mockReturnValue(time);
      await dated.send('payments', records(0));
    }
    now.mockRestore();
    const sentAt = kafka.made(PRODUCE).map(({ batches }) => batches[0]?.records.readBigInt64BE(BASE_TIMESTAMP_AT));
    expect(sentAt).toEqual(times.map(BigInt));
    await dated.close();
  });

  it('backs off between retries when no partition has a leader', async () => {
    kafka.answer(METADATA, () => topicWith(12, () => -1));
    void producer.send('payments', records(0)).catch(() => undefined);
    await clock.advance(30_000);
    expect(kafka.made(METADATA).length).toBeLessThan(20);
    expect(producer.failure).toMatchObject({ topic: 'payments', code: 'LEADER_NOT_AVAILABLE' });
    const closing = producer.close();
    await clock.advance(10_000);
    await closing;
  });

  it('waits for a topic that does not exist yet', async () => {
    kafka.answer(
      METADATA,
      () => topicWith(0),
      () => topicWith(12),
    );
    const sending = producer.send('payments', records(0));
    await settle();
    expect(producer.failure).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' });
    await clock.advance(1_000);
    expect(await sending).toHaveLength(1);
    expect(producer.failure).toBeUndefined();
  });

  it('throws when the topic lacks the partition for ten seconds, says so meanwhile, and continues with the next records', async () => {
    const sending = producer.send('payments', records(99)).catch((error: unknown) => error);
    const next = producer.send('payments', records(3));
    await clock.advance(20_000);
    const reason = 'partition 99 does not exist: topic payments has 12 partitions, 0 to 11';
    expect(await sending).toMatchObject({ name: 'UnknownPartitionError', code: 'unknown-partition', message: reason });
    expect(logger.matching(/batch not sent/)[0]).toMatchObject({ topic: 'payments', reason });
    expect(await next).toHaveLength(1);
    expect(producer.failure).toBeUndefined();
  });

  it('sends a record for a partition that is added within ten seconds', async () => {
    kafka.answer(
      METADATA,
      () => topicWith(12),
      () => topicWith(12),
      () => topicWith(13),
    );
    const sending = producer.send('payments', records(12));
    await clock.advance(5_000);
    expect(await sending).toHaveLength(1);
  });

  it.each([
    [{ partition: -1 }, 'record 0: partition must be an integer of at least 0, got -1'],
    [{ partition: 1.5 }, 'record 0: partition must be an integer of at least 0, got 1.5'],
    [{ value: { amount: 1 } }, 'record 0: value must be a Buffer or null, got an object'],
    [{ key: 17 }, 'record 0: key must be a Buffer, a string or null, got 17'],
    [{ headers: undefined }, 'record 0: headers must be an object, got undefined'],
    [{ headers: null }, 'record 0: headers must be an object, got null'],
    [{ headers: { a: 17 } }, 'record 0: header a must be a Buffer, a string, null or a list of these, got 17'],
    [
      { headers: { a: ['b', 17] } },
      'record 0: header a must be a Buffer, a string, null or a list of these, got a list',
    ],
  ])('refuses at once what it could never send: %p', async (wrong, message) => {
    const [record] = records(0);
    const given = [{ ...record, ...wrong } as unknown as OutgoingRecord];
    await expect(producer.send('payments', given)).rejects.toThrow(message);
    expect(await producer.send('payments', records(0))).toHaveLength(1);
  });

  it('uses a new producer id when its sequence numbers no longer match the broker’s', async () => {
    kafka.answer(PRODUCE, (request) => produced(request, () => OUT_OF_ORDER));
    const sending = producer.send('payments', records(0));
    await clock.advance(1_000);
    await sending;
    expect(connected.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  });

  it('throws when Kafka rejects records for good, and continues with the next ones under a new producer id', async () => {
    kafka.answer(PRODUCE, (request) => produced(request, () => TOO_LARGE));
    await expect(producer.send('payments', records(0))).rejects.toThrow(RecordsRejectedError);
    await expect(producer.send('payments', records(0))).resolves.toHaveLength(1);
    expect(connected).toHaveLength(2);
  });

  it('closes connections that open only after the close', async () => {
    const connecting = Promise.withResolvers<{ id: bigint; epoch: number }>();
    kafka.answer(INIT_PRODUCER_ID, () => connecting.promise);
    const sending = producer.send('payments', records(0)).catch((error: unknown) => error);
    await settle();
    const closed = producer.close();
    await clock.advance(2_000);
    await closed;
    connecting.resolve({ id: 1n, epoch: 0 });
    await clock.advance(10_000);
    expect(await sending).toBeInstanceOf(Error);
    expect(kafka.isClosed).toBe(true);
    expect(sent()).toEqual([]);
  });

  it('closes connections over which it got no producer id', async () => {
    kafka.answer(INIT_PRODUCER_ID, () => new Error('unavailable'));
    const sending = producer.send('payments', records(0));
    await clock.advance(1_000);
    expect(await sending).toHaveLength(1);
    expect(connected.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  });

  it('does not warn while a cluster that has just started gives no producer ids yet', async () => {
    kafka.answer(INIT_PRODUCER_ID, () => new KafkaError('COORDINATOR_LOAD_IN_PROGRESS', 'InitProducerId'));
    const sending = producer.send('payments', records(0));
    await clock.advance(1_000);
    await sending;
    expect(logger.entries.map(({ level }) => level)).toEqual(['info']);
  });

  it('rejects a batch that Kafka had not acknowledged before the close', async () => {
    kafka.answer(PRODUCE, () => new Error('unavailable'));
    const sending = producer.send('payments', records(0)).catch(String);
    await settle();
    const closing = producer.close();
    await clock.advance(5_000);
    await closing;
    expect(await sending).toMatch('closed before Kafka acknowledged');
  });
});
