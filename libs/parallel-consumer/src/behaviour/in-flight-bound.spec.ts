import { describe, expect, it } from '@jest/globals';
import type { ParallelConsumerOptions } from '../options.js';
import { consuming } from './gated-consumer.js';

/** Starts a consumer of 60 records of the given number of keys on one partition. */
async function consumingKeys(keys: number, options: Partial<ParallelConsumerOptions>) {
  return consuming(options, (topic) => {
    for (let number = 0; number < 60; number += 1) topic.append(0, `key-${number % keys}`, `order-${number}`);
  });
}

describe('what bounds the records in flight', () => {
  it.each<[bound: string, inFlight: number, keys: number, options: Partial<ParallelConsumerOptions>]>([
    ['limit', 10, 60, { inFlight: 10 }],
    ['keys', 4, 4, { inFlight: 30 }],
    ['partitions', 1, 60, { inFlight: 30, ordering: 'partition' }],
    ['buffer', 4, 4, { inFlight: 30, maxBuffered: 15 }],
    ['uncommitted-offsets', 8, 60, { inFlight: 30, maxUncommittedOffsets: 8 }],
    ['records', 60, 60, { inFlight: 100 }],
  ])('is %s: %i are in flight of %i keys', async (bound, inFlight, keys, options) => {
    const { consumer } = await consumingKeys(keys, options);
    expect(consumer.status).toMatchObject({ inFlightBound: bound, inFlight });
  });

  it('is fetch while records on a partition are not fetched yet', async () => {
    const { append, broker, consumer } = await consumingKeys(60, { inFlight: 1_000 });
    // A fetch of the fake has at most 100 records.
    for (let number = 60; number < 200; number += 1) append(0, `key-${number}`, `order-${number}`);
    await broker.fetch();
    expect(consumer.status).toMatchObject({ inFlightBound: 'fetch', inFlight: 160 });
    await broker.fetch();
    expect(consumer.status).toMatchObject({ inFlightBound: 'records', inFlight: 200 });
  });

  it('is retries while failed records wait for their next attempt', async () => {
    const { consumer, gate } = await consumingKeys(60, {
      inFlight: 30,
      retryBackOff: { initialMs: 60_000, maxMs: 60_000 },
    });
    for (let number = 0; number < 60; number += 1) await gate.fail(`order-${number}`, new Error('no quantity'));
    expect(consumer.status).toMatchObject({ inFlightBound: 'retries', inFlight: 0 });
  });

  it('is suspended while a dependency is unavailable, and paused after a stop', async () => {
    const { consumer, gate } = await consumingKeys(60, { inFlight: 30, classify: () => 'environment' });
    await gate.fail('order-0', new Error('no database'));
    expect(consumer.status.inFlightBound).toBe('suspended');
    void consumer.stop();
    expect(consumer.status.inFlightBound).toBe('paused');
  });

  it('is logged once when it is not the limit for 10 s', async () => {
    const { clock, log } = await consumingKeys(4, { inFlight: 30 });
    await clock.advance(60_000);
    expect(log.matching(/stay below their limit/)).toEqual([{ inFlight: 4, inFlightLimit: 30, boundBy: 'keys' }]);
  });
});
