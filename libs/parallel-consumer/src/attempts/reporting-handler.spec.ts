import { describe, expect, it } from '@jest/globals';
import { anAttempt } from '../testing/an-attempt.js';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { ParallelConsumer } from '../parallel-consumer.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import type { OpenRecord } from './record-handler.js';
import { batchHandler } from '../handlers/batch-handler.js';
import { reportingHandler, startOf } from './reporting-handler.js';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const RECORDS = 10_000;
/** Records in a fetch of the fake broker. */
const FETCH_SIZE = 100;

/** Runs records through an engine until all have ended. `fetched` is called once all are fetched; by default each has its own key. */
async function run(
  start: (item: OpenRecord) => void,
  values: readonly string[],
  { keyOf, fetched }: { keyOf: (value: string) => string; fetched: () => void } = {
    keyOf: (value) => value,
    fetched: () => undefined,
  },
) {
  const clock = new ManualClock();
  const kafka = new FakeKafka();
  for (const topic of ['orders', 'dead']) kafka.createTopic(topic, 1);
  const options = { clock, logger: silent, deadLetterTopic: 'dead', maxAttempts: 2, random: () => 0 };
  const broker = new FakeBroker(kafka, { topic: 'orders', groupId: 'savers' });
  const consumer = new ParallelConsumer({ ...options, handler: reportingHandler(start), inFlight: 1_000 }, broker);
  for (const value of values) kafka.append('orders', 0, keyOf(value), value);
  await consumer.start();
  for (let count = 0; count < values.length; count += FETCH_SIZE) await broker.fetch();
  fetched();
  await clock.advance(1_000);
  const { finished, retries } = consumer.status;
  await consumer.stop();
  const letters = kafka
    .records('dead')
    .map(({ value, headers }) => [value, headers['dead-letter-error-message']].map(String));
  return { finished, retries, letters };
}

async function rejectWithNothing(): Promise<never> {
  throw undefined;
}

describe('reportingHandler', () => {
  it('ends an attempt at its first report, and ignores later ones', async () => {
    const reported = new Set<string>();
    const { finished, letters } = await run(
      (item) => {
        const value = String(item.record.value);
        const isFirst = !reported.has(value);
        reported.add(value);
        setImmediate(() => {
          item.report(value === 'bad' || (value === 'late' && isFirst) ? new Error('refused') : undefined);
          item.report(value === 'good' ? new Error('too late') : undefined);
        });
      },
      ['good', 'bad', 'late'],
    );
    expect(finished).toBe(3);
    expect(letters).toEqual([['bad', 'refused']]);
  });

  it('may report while it is started, also when thousands of records wait for their key', async () => {
    const values = Array.from({ length: RECORDS }, (_, index) => String(index));
    const firstEnds: (() => void)[] = [];
    const { finished, letters } = await run(
      (item) => {
        if (item.record.offset > 0) item.report();
        else firstEnds.push(() => item.report());
      },
      values,
      { keyOf: () => 'one', fetched: () => firstEnds.forEach((end) => end()) },
    );
    expect([finished, letters]).toEqual([RECORDS, []]);
  });

  it('fails the attempt of a record whose start throws', async () => {
    const { finished, retries, letters } = await run(
      (item) => {
        if (String(item.record.value) === 'bad') throw new Error('no connection');
        item.report();
      },
      ['bad', 'good'],
    );
    expect([finished, retries]).toEqual([2, 1]);
    expect(letters).toEqual([['bad', 'no connection']]);
  });

  it.each([
    ['a batch', batchHandler({ maxBatchSize: 1, maxBatchWaitMs: 0, handle: rejectWithNothing }).start],
    ['a promise', startOf(rejectWithNothing)],
  ])('fails the attempt when %s is rejected without an error', async (_name, start) => {
    const { letters } = await run(start, ['bad']);
    expect(letters).toEqual([['bad', 'the attempt failed without an error']]);
  });

  it('can be called as a function that returns a promise', async () => {
    const handler = reportingHandler((item) => item.report(item.record.offset > 0 ? new Error('refused') : undefined));
    const at = { topic: 'orders', partition: 0, timestamp: 0 };
    const record = { ...at, key: null, value: null, valueText: null, headers: {}, byteLength: 0 };
    const attempt = anAttempt();
    await expect(handler({ ...record, offset: 0 }, attempt)).resolves.toBeUndefined();
    await expect(handler({ ...record, offset: 1 }, attempt)).rejects.toThrow('refused');
  });
});
