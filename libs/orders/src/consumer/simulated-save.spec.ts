import { describe, expect, it } from '@jest/globals';
import { saveDelayMs, saveDrawsOf } from './simulated-save.js';

const SAVES = 10_000;

function delays(seed: number): number[] {
  const drawOf = saveDrawsOf(seed);
  return Array.from({ length: SAVES }, (_, index) => saveDelayMs({ minimum: 0, maximum: 1_000 }, drawOf(index)));
}

describe('simulated save', () => {
  it('takes equally long in every run of a seed, and differently long with another seed', () => {
    expect(delays(7)).toEqual(delays(7));
    expect(delays(7)).not.toEqual(delays(8));
  });

  it('does not change between versions, so that older measurements stay comparable', () => {
    expect(delays(1).slice(0, 5)).toEqual([914, 905, 766, 599, 402]);
  });

  it('is drawn uniformly between its bounds', () => {
    const drawn = delays(1);
    expect(drawn.reduce((sum, delay) => sum + delay, 0) / SAVES).toBeCloseTo(500, -1);
    for (const tenth of Array.from({ length: 10 }, (_, at) => at * 100)) {
      const within = drawn.filter((delay) => delay >= tenth && delay < tenth + 100).length;
      expect(within).toBeGreaterThan(SAVES / 12);
    }
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(1_000);
  });

  it('is in whole milliseconds, at least the minimum', () => {
    expect([0, 0.5, 0.999_9].map((draw) => saveDelayMs({ minimum: 100, maximum: 300 }, draw))).toEqual([100, 200, 300]);
  });
});
