import { describe, expect, it } from '@jest/globals';
import { RestartBackoff, restartLine, WELL_AFTER_MS } from './restart-backoff.js';

function delays(backoff: RestartBackoff, ...wellMs: number[]): number[] {
  return wellMs.map((each) => backoff.next(each).delayMs);
}

describe('the delay before a restart', () => {
  it('doubles from 0.5 s up to 10 s', () => {
    const backoff = new RestartBackoff(() => 0);
    expect(delays(backoff, 0, 0, 0, 0, 0, 0, 0)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it('stays at the maximum however often the process ends', () => {
    const backoff = new RestartBackoff(() => 0);
    for (let restart = 0; restart < 5_000; restart += 1) backoff.next(0);
    expect(backoff.next(0)).toEqual({ attempt: 5_001, delayMs: 10_000 });
  });

  it('is shortened by a random part of up to half', () => {
    const draws = [0, 0.5, 1];
    const random = (): number => draws.shift() ?? 0;
    expect([1, 2, 3].map(() => new RestartBackoff(random).next(0).delayMs)).toEqual([500, 375, 250]);
  });

  it('starts over after the process ran well for a minute, and not before', () => {
    const backoff = new RestartBackoff(() => 0);
    expect(delays(backoff, 0, 0, WELL_AFTER_MS - 1, WELL_AFTER_MS, 0)).toEqual([500, 1_000, 2_000, 500, 1_000]);
  });

  it('is logged with the process, its ending, and the number of restarts in a row', () => {
    const line = restartLine('MongoDB-1', 'exit code 1', { attempt: 3, delayMs: 1_712 });
    expect(line).toBe('MongoDB-1 ended, restarting: ending="exit code 1" attempt=3 delayMs=1712');
  });
});
