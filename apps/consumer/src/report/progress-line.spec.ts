import { describe, expect, it } from '@jest/globals';
import { ProgressMeter } from './progress-line.js';

describe('progress line', () => {
  it('reports processed and total orders, and the rate since the last line', () => {
    const meter = new ProgressMeter(0);
    expect(meter.next({ finished: 5_000, lag: 15_000 }, 5_000)).toEqual({
      processed: 5_000,
      total: 20_000,
      savedPerSecond: 1_000,
    });
    expect(meter.next({ finished: 15_000, lag: 5_000 }, 10_000)?.savedPerSecond).toBe(2_000);
  });

  it('is omitted while nothing is processed', () => {
    const meter = new ProgressMeter(0);
    expect(meter.next({ finished: 0, lag: 100 }, 5_000)).toBeUndefined();
  });
});
