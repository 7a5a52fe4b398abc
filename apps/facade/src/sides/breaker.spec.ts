import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { Breaker } from './breaker.js';
import { SideAwayError } from './side-away-error.js';

const PAUSE_MS = 20;

/** A breaker of a side that is away until `isBack`. The library reads the machine's clock, so the pause is short. */
function breakerOf() {
  const clock = new ManualClock();
  const side = { isBack: false, asked: 0 };
  const ask = async (): Promise<string> => {
    side.asked += 1;
    if (!side.isBack) throw new SideAwayError('new', 'no-connection', 'it is away');
    return Promise.resolve('answer');
  };
  const breaker = new Breaker({ side: 'new', maxRunning: 100, pauseMs: PAUSE_MS, probe: ask, clock });
  /** Lets the pause pass, for the library too. */
  const pass = async (): Promise<void> => {
    const until = performance.now() + PAUSE_MS + 5;
    while (performance.now() < until) await settle();
    await clock.advance(PAUSE_MS);
    await settle();
  };
  return { breaker, side, ask, pass };
}

describe('a circuit breaker', () => {
  it('opens after ten requests without an answer, and probes the side by itself until it is back', async () => {
    const { breaker, side, ask, pass } = breakerOf();
    for (let request = 0; request < 10; request += 1) await breaker.run(ask).catch(() => undefined);
    expect(breaker.isOpen).toBe(true);
    await expect(breaker.run(ask)).rejects.toMatchObject({ reason: 'breaker-open' });
    expect(side.asked).toBe(10);
    await pass();
    await pass();
    expect([side.asked, breaker.isOpen]).toEqual([12, true]);
    side.isBack = true;
    await pass();
    expect([side.asked, breaker.isOpen]).toEqual([13, false]);
    expect(await breaker.run(ask)).toBe('answer');
  });

  it('does not probe once it is closed for good', async () => {
    const { breaker, side, ask, pass } = breakerOf();
    for (let request = 0; request < 10; request += 1) await breaker.run(ask).catch(() => undefined);
    breaker.close();
    await pass();
    expect(side.asked).toBe(10);
  });
});
