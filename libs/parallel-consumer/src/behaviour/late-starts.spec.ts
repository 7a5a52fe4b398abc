import { describe, expect, it } from '@jest/globals';
import type { ManualClock } from '@orders-pipeline/clock/testing';
import { batchHandler } from '../handlers/batch-handler.js';
import type { BatchItem, BatchResult } from '../handlers/batch-item.js';
import { produceHandler } from '../handlers/produce-handler.js';
import { rateLimited } from '../handlers/rate-limited.js';
import { AttemptWithdrawnError } from '../attempts/running-attempt.js';
import type { ConsumedRecord, OutgoingRecord } from '../records/record.js';
import { consuming } from './gated-consumer.js';

/** A batch handler of which only one batch runs at a time, until the spec ends it. */
function stallingBatches(sameKeyInBatch = false) {
  const batches: { readonly values: string[]; readonly end: () => void }[] = [];
  const handle = async (items: readonly BatchItem[]): Promise<readonly BatchResult[]> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    batches.push({ values: items.map(({ record }) => String(record.value)), end: resolve });
    await promise;
    return items.map(() => undefined);
  };
  const limits = { maxBatchSize: 2, maxBatchWaitMs: 10, maxBatches: 1, sameKeyInBatch };
  const options = (clock: ManualClock) => ({ handler: batchHandler({ handle, ...limits, clock }) });
  return { options, batches, values: () => batches.map(({ values }) => values) };
}

const fourKeys = (topic: { append: (partition: number, key: string, value: string) => void }): void => {
  for (const [partition, name] of [
    [0, 'a'],
    [0, 'b'],
    [0, 'c'],
    [1, 'd'],
  ] as const)
    topic.append(partition, name, name);
};

describe('a record that waits for its batch', () => {
  it('is not handled after its partition went to another member', async () => {
    const { options, batches, values } = stallingBatches();
    const { broker, clock, consumer } = await consuming((at) => ({ ...options(at), drainTimeoutMs: 100 }), fourKeys);
    await clock.advance(10);
    expect(values()).toEqual([['a', 'b']]);
    const rebalanced = broker.group.rebalance([[1]]);
    await clock.advance(200);
    await rebalanced;
    batches[0]?.end();
    await clock.advance(100);
    expect(values()).toEqual([['a', 'b'], ['d']]);
    batches[1]?.end();
    await clock.advance(1_000);
    expect(consumer.status).toMatchObject({ taken: 0, inFlight: 0, finished: 3, retries: 0, deadLettered: 0 });
  });

  it.each([false, true])(
    'is not handled while there is no contact to the group, and counts as not tried (same key: %p)',
    async (sameKeys) => {
      const { options, batches, values } = stallingBatches(sameKeys);
      const { broker, clock, consumer, letters } = await consuming(
        (at) => ({ ...options(at), maxAttempts: 1 }),
        fourKeys,
      );
      await clock.advance(10);
      broker.startsUntil = clock.now();
      batches[0]?.end();
      await clock.advance(5_000);
      expect(values()).toHaveLength(1);
      broker.startsUntil = Number.POSITIVE_INFINITY;
      await clock.advance(1_100);
      expect(values()).toEqual([
        ['a', 'b'],
        ['c', 'd'],
      ]);
      batches[1]?.end();
      await clock.advance(1_000);
      expect(consumer.status).toMatchObject({ taken: 0, finished: 4, retries: 0 });
      expect(letters()).toEqual([]);
    },
  );
});

describe('the next record of a key', () => {
  it('is not taken along while there is no contact to the group', async () => {
    const { broker, clock, gate } = await consuming({}, (topic) => {
      for (const name of ['a1', 'a2']) topic.append(0, 'a', name);
    });
    const [attempt] = gate.attempts('a1');
    broker.startsUntil = clock.now();
    expect(attempt?.takeNext()).toBeUndefined();
    broker.startsUntil += 1;
    expect(attempt?.takeNext()?.record.offset).toBe(1);
  });
});

describe('a record that was taken along', () => {
  it('counts as not tried when it is withdrawn', async () => {
    const { clock, consumer, gate, letters } = await consuming({ maxAttempts: 1 }, (topic) => {
      for (const name of ['a1', 'a2']) topic.append(0, 'a', name);
    });
    gate.attempts('a1')[0]?.takeNext()?.report(new AttemptWithdrawnError());
    await gate.end('a1');
    await clock.advance(1_000);
    expect([gate.started, letters(), consumer.status.retries]).toEqual([['a1', 'a2'], [], 0]);
  });
});

describe('an attempt', () => {
  it('that was not current counts as not tried, although the contact is back when it is withdrawn', async () => {
    const { broker, clock, gate, letters } = await consuming({ maxAttempts: 1 }, (topic) => topic.append(0, 'a', 'a'));
    broker.startsUntil = clock.now();
    expect(gate.attempts('a')[0]?.isCurrent).toBe(false);
    broker.startsUntil = Number.POSITIVE_INFINITY;
    await gate.fail('a', new AttemptWithdrawnError());
    expect([gate.started, letters()]).toEqual([['a', 'a'], []]);
  });

  it('is current until its signal aborts, it has ended, or the contact to the group is lost', async () => {
    const { broker, clock, gate } = await consuming({}, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, name, name);
    });
    const [[a], [b]] = [gate.attempts('a'), gate.attempts('b')];
    broker.startsUntil = clock.now();
    expect([a?.isCurrent, a?.signal.aborted]).toEqual([false, false]);
    broker.startsUntil = Number.POSITIVE_INFINITY;
    expect(a?.isCurrent).toBe(true);
    await gate.end('a');
    expect([a?.isCurrent, b?.isCurrent]).toEqual([false, true]);
  });

  it('that is withdrawn although it is current has failed like any other', async () => {
    const { clock, gate, letters } = await consuming({ maxAttempts: 2 }, (topic) => topic.append(0, 'a', 'a'));
    await gate.fail('a', new AttemptWithdrawnError());
    await clock.advance(1_000);
    await gate.fail('a', new AttemptWithdrawnError());
    expect(letters()[0]?.headers).toMatchObject({ 'dead-letter-error-code': 'attempt-withdrawn' });
  });

  it('has a fence that grows with each ownership of its partition, and stays while the partition is kept', async () => {
    const { append, broker, gate } = await consuming({}, (topic) => topic.append(0, 'a', 'a1'));
    await gate.end('a1');
    await broker.group.rebalance();
    append(0, 'a', 'a2');
    await broker.fetch();
    const [first, kept] = ['a1', 'a2'].map((name) => gate.attempts(name)[0]?.fence ?? Number.NaN);
    expect(kept).toBe(first);
    await gate.end('a2');
    broker.expire();
    await broker.rejoin();
    append(0, 'b', 'b1');
    await broker.fetch();
    expect(gate.attempts('b1')[0]?.fence).toBeGreaterThan(first ?? Number.NaN);
  });
});

describe('a rate-limited record', () => {
  it('is not handled when the contact to the group was lost while it waited', async () => {
    const handled: string[] = [];
    const handle = async ({ value }: ConsumedRecord): Promise<void> => void handled.push(String(value));
    const { broker, clock, consumer } = await consuming(
      (at) => ({ handler: rateLimited(handle, { perSecond: 1, clock: at }) }),
      (topic) => {
        for (const name of ['a', 'b']) topic.append(0, name, name);
      },
    );
    broker.startsUntil = clock.now();
    await clock.advance(5_000);
    expect(handled).toEqual(['a']);
    broker.startsUntil = Number.POSITIVE_INFINITY;
    await clock.advance(2_000);
    expect([handled, consumer.status.retries]).toEqual([['a', 'b'], 0]);
  });
});

const sameRecord = async ({ partition, key, value }: ConsumedRecord) => [
  { topic: 'out', partition, key, value, headers: {} },
];

describe('an output that waits for its batch', () => {
  it('is not sent while there is no contact to the group, and is produced again afterwards', async () => {
    const sent: string[][] = [];
    const stalled = Promise.withResolvers<void>();
    const producer = {
      send: async (_topic: string, records: readonly OutgoingRecord[]): Promise<void> => {
        sent.push(records.map(({ value }) => String(value)));
        if (sent.length === 2) await stalled.promise;
      },
    };
    const { append, broker, clock, consumer } = await consuming(
      (at) => ({ handler: produceHandler({ producer, handle: sameRecord, clock: at }), maxAttempts: 1 }),
      (topic) => topic.append(0, 'a', 'a'),
    );
    await clock.advance(50);
    for (const name of ['b', 'c']) {
      append(0, name, name);
      await broker.fetch();
    }
    broker.startsUntil = clock.now();
    stalled.resolve();
    await clock.advance(5_000);
    expect(sent).toEqual([['a']]);
    broker.startsUntil = Number.POSITIVE_INFINITY;
    await clock.advance(2_000);
    expect([sent.flat(), consumer.status.retries, consumer.status.deadLettered]).toEqual([['a', 'b', 'c'], 0, 0]);
  });
});
