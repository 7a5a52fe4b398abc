import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { Breaker } from './side-connection.js';
import { SideAwayError } from './side.js';

const PAUSE_MS = 500;

describe('a circuit breaker after nine requests without an answer', () => {
  let clock: ManualClock;
  let isBack: boolean;
  let asked: number;
  let breaker: Breaker;

  async function ask(): Promise<string> {
    asked += 1;
    if (!isBack) throw new SideAwayError('new', 'no-connection', 'it is away');
    return Promise.resolve('answer');
  }

  beforeEach(async () => {
    clock = new ManualClock();
    [isBack, asked] = [false, 0];
    breaker = new Breaker({ side: 'new', maxRunning: 100, pauseMs: PAUSE_MS, probe: ask, clock });
    for (let request = 0; request < 9; request += 1) await breaker.run(ask).catch(() => undefined);
  });

  it('opens at the tenth, and probes the side by itself until it is back', async () => {
    expect(breaker.isOpen).toBe(false);
    await expect(breaker.run(ask)).rejects.toMatchObject({ reason: 'no-connection' });
    expect(breaker.isOpen).toBe(true);
    await expect(breaker.run(ask)).rejects.toMatchObject({ reason: 'breaker-open' });
    expect(asked).toBe(10);
    await clock.advance(2 * PAUSE_MS);
    expect([asked, breaker.isOpen]).toEqual([12, true]);
    isBack = true;
    await clock.advance(PAUSE_MS);
    expect([asked, breaker.isOpen]).toEqual([13, false]);
    expect(await breaker.run(ask)).toBe('answer');
  });

  it('does not probe once it is closed for good', async () => {
    await expect(breaker.run(ask)).rejects.toMatchObject({ reason: 'no-connection' });
    breaker.close();
    await clock.advance(PAUSE_MS);
    expect(asked).toBe(10);
  });
});
