import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { RecordsRejectedError } from '../failures/records-rejected.js';
import { anAttempt } from '../testing/an-attempt.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import type { OutgoingRecord } from '../records/record.js';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { produceHandler, type OutputProducer, type ProducedRecord } from './produce-handler.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const PARTITIONS = 3;

const tooLarge = ({ value }: OutgoingRecord): boolean => String(value) === 'large';

/** Consumes `in`, and produces to `out` with what `producer` does. */
class Pipe {
  readonly kafka = new FakeKafka();
  readonly clock = new ManualClock();
  readonly broker: FakeBroker;
  readonly consumer: ParallelConsumer;

  constructor(producer: OutputProducer, { outputs = 1, maxAttempts = 2 } = {}) {
    for (const topic of ['in', 'out', 'dead']) this.kafka.createTopic(topic, PARTITIONS);
    this.broker = new FakeBroker(this.kafka, { topic: 'in', groupId: 'pipe', clock: this.clock });
    const handler = produceHandler({
      producer,
      clock: this.clock,
      handle: async ({ partition, key, value }) =>
        Array.from({ length: outputs }, (): ProducedRecord => ({ topic: 'out', partition, key, value, headers: {} })),
    });
    const options = { handler, deadLetterTopic: 'dead', clock: this.clock, logger: quiet, random: () => 1 };
    this.consumer = new ParallelConsumer({ ...options, commitIntervalMs: 10, maxAttempts }, this.broker);
  }

  produced(partition: number): string[] {
    return this.kafka
      .records('out')
      .filter((record) => record.partition === partition)
      .map(({ value }) => String(value));
  }
}

describe('a handler that produces', () => {
  it('loses no output and keeps the order of each key, whatever fails between', async () => {
    const inputs = fc.array(fc.record({ partition: fc.nat(PARTITIONS - 1), key: fc.nat(2) }), { minLength: 1 });
    const failures = fc.array(fc.constantFrom('none', 'before', 'after'), { maxLength: 10 });
    const property = fc.asyncProperty(inputs, failures, async (all, script) => {
      const left = [...script];
      const pipe: Pipe = new Pipe(
        {
          send: async (topic, records) => {
            const failure = left.shift() ?? 'none';
            if (failure === 'before') throw new Error('no leader');
            for (const record of records) await pipe.broker.publish(topic, [record]);
            if (failure === 'after') throw new Error('the acknowledgement was lost');
          },
        },
        { maxAttempts: 100 },
      );
      for (const [index, { partition, key }] of all.entries())
        pipe.kafka.append('in', partition, `key-${key}`, `${key}:${index}`);
      await pipe.consumer.start();
      for (let turn = 0; turn < 20; turn += 1) {
        await pipe.broker.fetch();
        await pipe.clock.advance(1_000);
      }
      for (const [partition, appended] of Map.groupBy(
        all.map((each, index) => ({ ...each, index })),
        (each) => each.partition,
      )) {
        const firsts = [...new Set(pipe.produced(partition))];
        for (const key of [0, 1, 2])
          expect(firsts.filter((value) => value.startsWith(`${key}:`))).toEqual(
            appended.filter((each) => each.key === key).map(({ index }) => `${key}:${index}`),
          );
      }
      await stop(pipe);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('commits no offset before its outputs are acknowledged', async () => {
    const acknowledged = Promise.withResolvers<void>();
    const pipe = new Pipe({ send: () => acknowledged.promise });
    pipe.kafka.append('in', 0, 'a', '1');
    await pipe.consumer.start();
    await pipe.broker.fetch();
    await pipe.clock.advance(5_000);
    expect(pipe.consumer.status).toMatchObject({ finished: 0, inFlight: 1 });
    acknowledged.resolve();
    await pipe.clock.advance(1_000);
    expect(pipe.consumer.status).toMatchObject({ finished: 1, inFlight: 0 });
    await stop(pipe);
  });

  it('sends the outputs of many records together', async () => {
    const sends: number[] = [];
    const pipe = new Pipe({ send: async (_, records) => void sends.push(records.length) }, { outputs: 2 });
    for (let key = 0; key < 50; key += 1) pipe.kafka.append('in', 0, `key-${key}`, '1');
    await pipe.consumer.start();
    await pipe.broker.fetch();
    await pipe.clock.advance(1_000);
    expect(sends).toEqual([100]);
    await stop(pipe);
  });

  it('delays no outputs for a topic that another topic does not acknowledge', async () => {
    const sent: string[] = [];
    const handler = produceHandler({
      producer: {
        send: async (topic) => {
          if (topic === 'deleted') await new Promise(() => undefined);
          sent.push(topic);
        },
      },
      handle: async ({ value }) => [{ topic: String(value), partition: 0, key: null, value: null, headers: {} }],
      maxBatchWaitMs: 0,
    });
    const handled = async (topic: string): Promise<void> =>
      handler({ value: Buffer.from(topic) } as never, anAttempt());
    for (let batch = 0; batch < 4; batch += 1) {
      void handled('deleted');
      await handled('out');
    }
    expect(sent).toEqual(['out', 'out', 'out', 'out']);
  });

  it('fails a record for which nothing is returned, and says what to return', async () => {
    const handler = produceHandler({
      producer: { send: async () => undefined },
      handle: async () => undefined as never,
    });
    await expect(handler({} as never, anAttempt())).rejects.toMatchObject({
      code: 'outputs',
      message: 'handle must return a list of records to produce, or [] for none, got undefined',
    });
  });

  it('fails only the record whose outputs Kafka rejects', async () => {
    const pipe: Pipe = new Pipe({
      send: async (topic, records) => {
        if (records.some(tooLarge)) throw new RecordsRejectedError('MESSAGE_TOO_LARGE', {});
        await pipe.broker.publish(topic, records);
      },
    });
    for (const value of ['1', 'large', '3']) pipe.kafka.append('in', 0, value, value);
    await pipe.consumer.start();
    await pipe.broker.fetch();
    await pipe.clock.advance(60_000);
    expect(pipe.produced(0)).toEqual(['1', '3']);
    expect(pipe.kafka.records('dead').map(({ value }) => String(value))).toEqual(['large']);
    await stop(pipe);
  });
});

async function stop({ consumer, clock }: Pipe): Promise<void> {
  const stopped = consumer.stop();
  await settle();
  await clock.advance(60_000);
  await stopped;
}
