import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { LagCeiling } from './lag-ceiling.js';

function createCeiling(records: number, lags: readonly (number | Error)[]) {
  const clock = new ManualClock();
  const left = [...lags];
  const ceiling = new LagCeiling(
    records,
    async () => {
      const lag = left.shift() ?? 0;
      if (lag instanceof Error) throw lag;
      return lag;
    },
    clock,
  );
  return { clock, ceiling, left };
}

describe('LagCeiling', () => {
  it('is reached while the lag is at or above the ceiling', async () => {
    const { clock, ceiling } = createCeiling(100, [99, 100, 500, 99]);
    const reached: boolean[] = [];
    for (let check = 0; check < 4; check += 1) {
      reached.push(await ceiling.isReached());
      await clock.advance(1_000);
    }
    expect(reached).toEqual([false, true, true, false]);
  });

  it('reads the lag at most once a second', async () => {
    const { clock, ceiling, left } = createCeiling(100, [100, 0]);
    await ceiling.isReached();
    await clock.advance(999);
    expect([await ceiling.isReached(), left.length]).toEqual([true, 1]);
    await clock.advance(1);
    expect([await ceiling.isReached(), left.length]).toEqual([false, 0]);
  });

  it('is not reached when the lag is unknown', async () => {
    const { ceiling } = createCeiling(100, [new Error('Kafka is unavailable')]);
    expect(await ceiling.isReached()).toBe(false);
  });
});
