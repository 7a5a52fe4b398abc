import { describe, expect, it } from '@jest/globals';
import { RateMeter } from './clock.js';

describe('the rate meter', () => {
  it('returns 0 before two readings', () => {
    const meter = new RateMeter(10);
    expect(meter.perSecond).toBe(0);
    meter.read(1_000, 5);
    expect(meter.perSecond).toBe(0);
  });

  it('returns the rate over the kept readings', () => {
    const meter = new RateMeter(2);
    for (const [at, count] of [
      [0, 0],
      [1_000, 1_000],
      [2_000, 1_100],
      [3_000, 1_200],
    ] as const)
      meter.read(at, count);
    expect(meter.perSecond).toBe(100);
  });

  it('falls to 0 once the count no longer rises', () => {
    const meter = new RateMeter(2);
    for (const at of [0, 1_000, 2_000, 3_000]) meter.read(at, 7);
    expect(meter.perSecond).toBe(0);
  });

  it('returns 0 when no time has passed', () => {
    const meter = new RateMeter(2);
    meter.read(1_000, 5);
    meter.read(1_000, 9);
    expect(meter.perSecond).toBe(0);
  });
});
