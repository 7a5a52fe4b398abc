import { describe, expect, it } from '@jest/globals';
import { RecordingLogger } from '../behaviour/gated-consumer.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { batchHandler, type BatchHandlerOptions } from './batch-handler.js';
import type { BatchItem } from './batch-item.js';

interface Handled {
  readonly batches: string[][];
  /** Value, error code and error message of each dead letter. */
  readonly letters: string[][];
  /** What the engine logged of failures. */
  readonly failures: object[];
}

function getText({ record }: BatchItem): string {
  return String(record.value);
}

/** Runs records through an engine with a batch handler until all have ended. */
async function run(
  records: readonly (readonly [key: string, value: string])[],
  handle: BatchHandlerOptions['handle'],
  more: Partial<BatchHandlerOptions> = {},
): Promise<Handled> {
  const clock = new ManualClock();
  const kafka = new FakeKafka();
  for (const topic of ['orders', 'dead']) kafka.createTopic(topic, 1);
  const batches: string[][] = [];
  const handler = batchHandler({
    maxBatchSize: 3,
    maxBatchWaitMs: 10,
    clock,
    handle: async (items) => {
      batches.push(items.map(getText));
      return handle(items);
    },
    ...more,
  });
  const logger = new RecordingLogger();
  const options = { handler, clock, logger, deadLetterTopic: 'dead', maxAttempts: 2, random: () => 0 };
  const broker = new FakeBroker(kafka, { topic: 'orders', groupId: 'savers' });
  const consumer = new ParallelConsumer(options, broker);
  for (const [key, value] of records) kafka.append('orders', 0, key, value);
  await consumer.start();
  await broker.fetch();
  await clock.advance(1_000);
  const stopped = consumer.stop();
  await clock.advance(1_000);
  await stopped;
  const letters = kafka
    .records('dead')
    .map(({ value, headers }) =>
      [value, headers['dead-letter-error-code'], headers['dead-letter-error-message']].map(String),
    );
  return { batches, letters, failures: logger.matching(/unavailable/) };
}

describe('batchHandler', () => {
  it('passes records in batches, and each record has its own result', async () => {
    const { batches, letters } = await run(
      [
        ['a', '1'],
        ['b', 'bad'],
        ['c', '3'],
        ['d', '4'],
      ],
      async (items) => items.map((item) => (getText(item) === 'bad' ? new Error('its own error') : undefined)),
    );
    expect(batches).toEqual([['1', 'bad', '3'], ['4'], ['bad']]);
    expect(letters).toEqual([['bad', 'Error', 'its own error']]);
  });

  it('puts at most one record of a key into a batch', async () => {
    const { batches } = await run(
      [
        ['a', '1'],
        ['a', '2'],
        ['b', '3'],
        ['a', '4'],
      ],
      async (items) => items.map(() => undefined),
    );
    expect(batches).toEqual([['1', '3'], ['2'], ['4']]);
  });

  describe('with `sameKeyInBatch`', () => {
    const sameKeys = { sameKeyInBatch: true };

    it('fills a batch with the next records of its keys, in their order, up to its size', async () => {
      const { batches } = await run(
        [
          ['a', 'a1'],
          ['a', 'a2'],
          ['b', 'b1'],
          ['a', 'a3'],
          ['b', 'b2'],
        ],
        async (items) => items.map(() => undefined),
        { ...sameKeys, maxBatchSize: 4 },
      );
      expect(batches).toEqual([['a1', 'a2', 'a3', 'b1'], ['b2']]);
    });

    it('leaves the keys that a batch does not need for another one at the same time', async () => {
      const keys = ['a', 'b', 'c'];
      const third = Promise.withResolvers<void>();
      let calls = 0;
      const { batches } = await run(
        [1, 2, 3, 4].flatMap((n) => keys.map((key) => [key, `${key}${n}`] as const)),
        async (items) => {
          calls += 1;
          if (calls === 2) await third.promise;
          else if (calls === 3) third.resolve();
          return items.map(() => undefined);
        },
        { ...sameKeys, maxBatchSize: 4 },
      );
      expect(batches).toEqual([['a1', 'a2', 'b1', 'c1'], ['a3', 'a4', 'b2', 'b3'], ['c2', 'c3', 'c4'], ['b4']]);
    });

    it('tries the records after a failed one of their key again, behind it, and those of other keys not', async () => {
      const failed = new Set<string>();
      const { batches, letters } = await run(
        [
          ['a', 'a1'],
          ['a', 'fails once'],
          ['a', 'a3'],
          ['b', 'b1'],
          ['b', 'b2'],
        ],
        async (items) =>
          items.map((item) => {
            if (getText(item) !== 'fails once' || failed.has('once')) return undefined;
            failed.add('once');
            return new Error('once');
          }),
        { ...sameKeys, maxBatchSize: 5 },
      );
      expect(batches).toEqual([
        ['a1', 'fails once', 'a3', 'b1', 'b2'],
        ['fails once', 'a3'],
      ]);
      expect(letters).toEqual([]);
    });

    it('probes an unavailable dependency with one record', async () => {
      let calls = 0;
      const { batches } = await run(
        [
          ['a', 'a1'],
          ['a', 'a2'],
        ],
        async (items) => {
          calls += 1;
          if (calls === 1) throw Object.assign(new Error('database unavailable'), { code: 'ECONNREFUSED' });
          return items.map(() => undefined);
        },
        sameKeys,
      );
      expect(batches).toEqual([['a1', 'a2'], ['a1'], ['a2']]);
    });

    it('tries all records of a failed batch again, in their order', async () => {
      let calls = 0;
      const { batches } = await run(
        [
          ['a', 'a1'],
          ['a', 'a2'],
        ],
        async (items) => {
          calls += 1;
          if (calls === 1) throw new Error('not primary');
          return items.map(() => undefined);
        },
        sameKeys,
      );
      expect(batches).toEqual([
        ['a1', 'a2'],
        ['a1', 'a2'],
      ]);
    });
  });

  it('passes each record its own attempt', async () => {
    const attempts: string[] = [];
    await run(
      [
        ['a', 'fails once'],
        ['b', 'good'],
      ],
      async (items) => {
        for (const item of items) attempts.push(`${getText(item)} ${item.attempt.number}`);
        return items.map((item) =>
          getText(item) === 'fails once' && item.attempt.number === 1 ? new Error('once') : undefined,
        );
      },
    );
    expect(attempts).toEqual(['fails once 1', 'good 1', 'fails once 2']);
  });

  it('fails all records of a batch with the error that the handler threw', async () => {
    const { letters } = await run(
      [
        ['a', '1'],
        ['b', '2'],
      ],
      async () => {
        throw new Error('not primary');
      },
    );
    expect(letters).toEqual(['1', '2'].map((value) => [value, 'Error', 'not primary']));
  });

  it.each([
    [[], 'a batch of 2 items must return 2 results in the same order, got 0'],
    [[undefined, null], 'a batch must return undefined or an Error for each item, got null for item 1'],
    [[{ id: 1 }, { id: 2 }], 'a batch must return undefined or an Error for each item, got an object for item 0'],
  ])('keeps the records of a batch whose results are %p, and suspends the consumer', async (results, reason) => {
    const { batches, letters, failures } = await run(
      [
        ['a', '1'],
        ['b', '2'],
      ],
      async (items) => (items.length === 2 ? (results as never) : [undefined]),
    );
    expect(failures).toMatchObject([{ code: 'batch-results', reason }]);
    expect(batches).toEqual([['1', '2'], ['1'], ['2']]);
    expect(letters).toEqual([]);
  });
});
