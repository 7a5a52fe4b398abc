import { describe, expect, it } from '@jest/globals';
import { waitText, type ConsumerReason } from './waiting-consumers.js';

const READY: ConsumerReason = { name: 'consumer-1', state: 'ready', notReadyBecause: null };
const SUSPENDED: ConsumerReason = { name: 'consumer-2', state: 'waiting', notReadyBecause: 'suspended since …' };
const STOPPED: ConsumerReason = { name: 'consumer-3', state: 'waiting', notReadyBecause: 'partition 3 is stopped' };

describe('what saves wait for', () => {
  it.each<[string, readonly ConsumerReason[], string | null]>([
    ['no consumer', [], 'a consumer: none is running'],
    ['a ready one', [READY], null],
    ['one that rebalances', [{ ...SUSPENDED, state: 'rebalancing' }], null],
    [
      'two that can not work',
      [READY, SUSPENDED, STOPPED],
      'consumer-2: suspended since …; consumer-3: partition 3 is stopped',
    ],
  ])('with %s', (_, consumers, text) => {
    expect(waitText(consumers)).toBe(text);
  });
});
