import { describe, expect, it } from '@jest/globals';
import { consuming } from './gated-consumer.js';

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
