import { describe, expect, it } from '@jest/globals';
import type { Clock } from '@orders-pipeline/clock';
import { Pace } from './pace.js';

function paused() {
  const pauses: number[] = [];
  const clock: Clock = {
    now: () => 0,
    after: (milliseconds, run) => {
      pauses.push(milliseconds);
      queueMicrotask(run);
      return () => undefined;
    },
  };
  return { pauses, clock };
}

describe('the pace of a backup', () => {
  it.each([
    [0.2, 10, [40]],
    [0.5, 10, [10]],
    [1, 10, []],
    [0.9, 1, []],
  ])('with share %d, a step of %d ms is followed by rests of %j ms', async (share, step, rests) => {
    const { pauses, clock } = paused();
    await new Pace(share, clock).rest(step);
    expect(pauses).toEqual(rests);
  });
});
