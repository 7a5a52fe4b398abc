import { describe, expect, it } from '@jest/globals';
import { contradictionIn } from './autoscale-limits.js';

describe('the limits of the autoscaler', () => {
  it.each([
    [1, 12, null],
    [12, 12, null],
    [5, 4, 'min-above-max'],
    [1, 13, 'max-above-partitions'],
  ])('from %d to %d, with twelve partitions: %s', (minConsumers, maxConsumers, expected) => {
    expect(contradictionIn({ minConsumers, maxConsumers, drainSeconds: 120 }, 12)).toBe(expected);
  });
});
