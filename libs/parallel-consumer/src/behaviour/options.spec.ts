import { describe, expect, it } from '@jest/globals';
import { systemClock } from '@orders-pipeline/clock';
import { batchHandler } from '../handlers/batch-handler.js';
import { DelayedBroker } from '../broker/delayed-broker.js';
import { resolveOptions } from '../options.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { RecordingLogger } from './gated-consumer.js';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const OPTIONS = { handler: () => Promise.resolve(), logger: silent, deadLetterTopic: 'dead' };

/** Resolves options as JavaScript may give them. */
function resolve(given: Readonly<Record<string, unknown>>) {
  return resolveOptions({ ...OPTIONS, ...given }, ['orders']);
}

describe('the options', () => {
  it('have defaults, which given options replace', () => {
    expect(resolve({})).toMatchObject({ inFlight: 'auto', ordering: 'key', maxAttempts: 5 });
    expect(resolve({ maxAttempts: 2 })).toMatchObject({ maxAttempts: 2 });
  });

  it('that are `undefined` count as not given', () => {
    expect(resolve({ maxAttempts: undefined, inFlight: undefined })).toMatchObject({
      maxAttempts: 5,
      inFlight: 'auto',
    });
  });

  it.each([
    [{ inFlight: 0 }, 'inFlight must be an integer of at least 1, got 0'],
    [{ inFlight: '10' }, "inFlight must be an integer of at least 1, got '10'"],
    [{ maxAttempts: Number.NaN }, 'maxAttempts must be an integer of at least 1, got NaN'],
    [{ maxAttempts: 0 }, 'maxAttempts must be an integer of at least 1, got 0'],
    [{ maxBytes: -1 }, 'maxBytes must be an integer of at least 1, got -1'],
    [{ maxBuffered: 1.5 }, 'maxBuffered must be an integer of at least 1, got 1.5'],
    [{ poisonShare: 2 }, 'poisonShare must be from 0 to 1, got 2'],
    [{ attemptTimeoutMs: 0 }, 'attemptTimeoutMs must be a number of ms above 0, got 0'],
    [{ drainTimeoutMs: -1 }, 'drainTimeoutMs must be a number of ms from 0 to 2147483647, got -1'],
    [{ commitIntervalMs: 0 }, 'commitIntervalMs must be a number of ms from 1 to 2147483647, got 0'],
    [
      { retryBackOff: { initialMs: 100 } },
      'retryBackOff.maxMs must be a number of ms from 1 to 2147483647, got undefined',
    ],
    [{ ordering: 'keys' }, "ordering must be one of key, partition, unordered, got 'keys'"],
    [{ onDeadLetter: 'skip' }, "onDeadLetter must be one of publish, stop, got 'skip'"],
    [{ commitCompletedOffsets: 'yes' }, "commitCompletedOffsets must be a boolean, got 'yes'"],
    [{ handler: undefined }, 'handler is missing'],
    [{ handler: {} }, 'handler has none for the topic orders'],
    [{ handler: { orders: 5 } }, "handler['orders'] must be a function, got 5"],
    [
      { handler: { orders: OPTIONS.handler, payments: OPTIONS.handler } },
      'handler has one for payments, which is none of the topics of the broker: orders',
    ],
    [
      { logger: { info: console.info } },
      'logger must be an object with the functions info, warn, error, got an object',
    ],
    [{ deadLetterTopic: '' }, "deadLetterTopic must be a non-empty text, got ''"],
    [
      { deadLetterTopic: 'orders' },
      'deadLetterTopic must differ from the source topic orders: the consumer would read its own dead letters',
    ],
    [{ inflight: 10 }, 'inflight is not an option. Did you mean inFlight?'],
    [{ observer: 5 }, 'observer must be an object with functions of attempted, committed, rebalanced, got 5'],
    [{ observer: { foo: 1 } }, 'observer must be an object with functions of attempted, committed, rebalanced'],
    [{ observer: { saved: () => 1 } }, 'observer.saved is never called. It may have attempted, committed, rebalanced'],
  ])('are rejected by name: %p', (given, message) => {
    expect(() => resolve(given)).toThrow(message);
  });

  it('are rejected with the list of all, if one is unknown', () => {
    expect(() => resolve({ concurrency: 10 })).toThrow(
      /^concurrency is not an option. The options are handler, .*inFlight/,
    );
  });

  it('are rejected if there are none', () => {
    expect(() => resolveOptions(undefined as never, ['orders'])).toThrow(
      'the options must be an object, got undefined',
    );
  });

  it('may set times that never pass', () => {
    expect(resolve({ attemptTimeoutMs: Infinity })).toMatchObject({ attemptTimeoutMs: Infinity });
  });

  it('may have the names of an earlier version, with one warning for each; both names of an option are refused', () => {
    const log = new RecordingLogger();
    for (let times = 0; times < 2; times += 1)
      expect(resolve({ maxTaken: 100, maxSpan: 50, logger: log })).toMatchObject({
        maxBuffered: 100,
        maxUncommittedOffsets: 50,
      });
    expect(log.matching(/old name/)).toEqual([
      { option: 'maxTaken', renamedTo: 'maxBuffered' },
      { option: 'maxSpan', renamedTo: 'maxUncommittedOffsets' },
    ]);
    expect(() => resolve({ maxTaken: 0 })).toThrow('maxBuffered must be an integer of at least 1, got 0');
    expect(() => resolve({ maxTaken: 1, maxBuffered: 1 })).toThrow('maxTaken is the old name of maxBuffered');
  });

  it('need a drain that ends before a rebalance', () => {
    const broker = new FakeBroker(new FakeKafka(), { topic: 'orders', groupId: 'savers' });
    const limited = Object.assign(broker, { rebalanceTimeoutMs: 20_000 });
    const delayed = new DelayedBroker(limited, new Map(), systemClock);
    expect(() => new ParallelConsumer({ ...OPTIONS, drainTimeoutMs: 16_000 }, limited)).not.toThrow();
    for (const each of [limited, delayed])
      expect(() => new ParallelConsumer({ ...OPTIONS, drainTimeoutMs: 60_000 }, each)).toThrow(
        new RangeError(
          'drainTimeoutMs must be at least 4000 ms below the rebalance timeout of the broker, 20000 ms, got 60000: ' +
            'set rebalanceTimeoutMs of the broker to at least 64000',
        ),
      );
  });

  it.each([undefined, {}, { start: () => undefined }])('need a broker, not %p', (broker) => {
    expect(() => new ParallelConsumer(OPTIONS, broker as never)).toThrow(
      broker === undefined ? 'broker is missing' : 'broker must be an object with the functions',
    );
  });

  it.each([
    [undefined, 'the options must be an object, got undefined'],
    [{ handle: 1, maxBatchSize: 1, maxBatchWaitMs: 1 }, 'handle must be a function, got 1'],
    [{ handle: () => 1, maxBatchSize: 1 }, 'maxBatchWaitMs is missing'],
    [{ handle: () => 1, maxBatchSize: 1, maxBatchWaitMs: 1, maxbatches: 2 }, 'Did you mean maxBatches?'],
  ])('of a batch handler are rejected by name: %p', (options, message) => {
    expect(() => batchHandler(options as never)).toThrow(message);
  });
});
