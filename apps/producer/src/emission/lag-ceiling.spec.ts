import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#parallel-consumer/testing/manual-clock.js';
import { LagCeiling } from './lag-ceiling.js';

function ceilingOf(records: number, lags: readonly (number | Error)[]) {
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

describe('the lag ceiling', () => {
  it('holds the emission up from the ceiling on, until the consumers are below it', async () => {
    const { clock, ceiling } = ceilingOf(100, [99, 100, 500, 99]);
    const reached: boolean[] = [];
    for (let look = 0; look < 4; look += 1) {
      reached.push(await ceiling.isReached());
      await clock.advance(1_000);
    }
    expect(reached).toEqual([false, true, true, false]);
  });

  it('looks once a second at the most', async () => {
    const { clock, ceiling, left } = ceilingOf(100, [100, 0]);
    await ceiling.isReached();
    await clock.advance(999);
    expect([await ceiling.isReached(), left.length]).toEqual([true, 1]);
    await clock.advance(1);
    expect([await ceiling.isReached(), left.length]).toEqual([false, 0]);
  });

  it('holds nothing up by a lag that can’t be learnt', async () => {
    const { ceiling } = ceilingOf(100, [new Error('Kafka is away')]);
    expect(await ceiling.isReached()).toBe(false);
  });
});
