import { describe, expect, it } from '@jest/globals';
import type { Clock } from '#parallel-consumer/clock.js';
import { ManualClock } from '#parallel-consumer/testing/manual-clock.js';
import { SimulatedDelay } from './simulated-delay.js';

/** Waits whose draws are given, and when each ended. */
function waits(bounds: { minimum: number; maximum: number }, draws: readonly number[]) {
  const clock = new ManualClock();
  let timers = 0;
  const counting: Clock = {
    now: () => clock.now(),
    after: (milliseconds, run) => {
      timers += 1;
      return clock.after(milliseconds, run);
    },
  };
  const left = [...draws];
  const delay = new SimulatedDelay(bounds, () => left.shift() ?? 0, counting);
  const ended: number[] = [];
  const start = (): void => void delay.wait().then(() => ended.push(clock.now()));
  return { clock, start, ended, timers: () => timers };
}

describe('the simulated delay', () => {
  it('lasts what is drawn between its bounds, to the millisecond', async () => {
    const { clock, start, ended } = waits({ minimum: 100, maximum: 300 }, [0, 0.5, 0.999_9]);
    for (let each = 0; each < 3; each += 1) start();
    await clock.advance(1_000);
    expect(ended).toEqual([100, 200, 300]);
  });

  it('has one timer for all that end in the same millisecond, whenever they began', async () => {
    const { clock, start, ended, timers } = waits({ minimum: 0, maximum: 100 }, [0.5, 0.3, 0.7]);
    start();
    await clock.advance(20);
    start();
    start();
    await clock.advance(1_000);
    expect(ended).toEqual([50, 50, 90]);
    expect(timers()).toBe(2);
  });

  it('begins anew after the end of an earlier wait', async () => {
    const { clock, start, ended } = waits({ minimum: 10, maximum: 10 }, []);
    start();
    await clock.advance(10);
    start();
    await clock.advance(5);
    expect(ended).toEqual([10]);
    await clock.advance(5);
    expect(ended).toEqual([10, 20]);
  });

  it('is none at all where its bounds are zero', async () => {
    const { start, ended, clock, timers } = waits({ minimum: 0, maximum: 0 }, []);
    start();
    await clock.advance(0);
    expect(ended).toEqual([0]);
    expect(timers()).toBe(0);
  });
});
