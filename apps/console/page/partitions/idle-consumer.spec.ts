import { describe, expect, it } from '@jest/globals';
import { isIdle } from './idle-consumer.js';

describe('a consumer in the grid', () => {
  it('is idle when it is ready and no partition is left for it', () => {
    expect(isIdle({ partitions: [], notReadyBecause: null })).toBe(true);
    expect(isIdle({ partitions: [4], notReadyBecause: null })).toBe(false);
  });

  it('is not idle while it starts, and not when it is not heard of any more', () => {
    expect(isIdle({ partitions: [], notReadyBecause: 'it is starting' })).toBe(false);
    expect(isIdle({ partitions: null, notReadyBecause: 'it is not heard of any more' })).toBe(false);
  });
});
