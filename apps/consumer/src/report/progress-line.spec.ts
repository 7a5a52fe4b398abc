import { describe, expect, it } from '@jest/globals';
import { formatProgress, ProgressMeter } from './progress-line.js';

describe('progress line', () => {
  it('reports the orders that are processed and that wait, and the rate since the last line', () => {
    const meter = new ProgressMeter(0);
    expect(meter.next({ finished: 5_000, unfinished: 15_000 }, 5_000)).toEqual({
      processed: 5_000,
      waiting: 15_000,
      savedPerSecond: 1_000,
    });
    expect(meter.next({ finished: 15_000, unfinished: 5_000 }, 10_000)?.savedPerSecond).toBe(2_000);
  });

  it('is omitted while nothing is processed', () => {
    const meter = new ProgressMeter(0);
    expect(meter.next({ finished: 0, unfinished: 100 }, 5_000)).toBeUndefined();
  });

  it.each([
    [
      { processed: 21_021, waiting: 228_378, savedPerSecond: 994 },
      '21,021 orders processed, 994/s, at least 228,378 to save',
    ],
    [{ processed: 100_000, waiting: 0, savedPerSecond: 6_000 }, '100,000 orders processed, 6,000/s, none waits'],
  ])('%j becomes a sentence', (line, text) => {
    expect(formatProgress(line)).toBe(text);
  });
});
