import { describe, expect, it } from '@jest/globals';
import { isIdle } from './idle-consumer.js';

describe('a consumer in the grid', () => {
  it('is idle when it is ready and has no partition', () => {
    expect(isIdle({ partitions: [], notReadyBecause: null })).toBe(true);
    expect(isIdle({ partitions: [4], notReadyBecause: null })).toBe(false);
  });

  it('is not idle while it starts or when its heartbeats are missing', () => {
    expect(isIdle({ partitions: [], notReadyBecause: 'it is starting' })).toBe(false);
    expect(isIdle({ partitions: null, notReadyBecause: 'no heartbeat' })).toBe(false);
  });
});
