import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#parallel-consumer/testing/manual-clock.js';
import type { PipelineSnapshot } from './pipeline-snapshots.js';
import { PipelineWatch } from './pipeline-watch.js';

function setUp() {
  const clock = new ManualClock();
  let looks = 0;
  const watch = new PipelineWatch(async (): Promise<PipelineSnapshot> => {
    looks += 1;
    const ends = new Map([[0, 100 * looks]]);
    return { at: clock.now(), ends, committed: new Map([[0, 0]]), consumers: [], deadLetters: 0 };
  }, clock);
  const passSeconds = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(1_000);
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { watch, passSeconds, looks: () => looks };
}

describe('watching the pipeline', () => {
  it('is not done while nobody wants it, and ends some time after the last one did', async () => {
    const { watch, passSeconds, looks } = setUp();
    await passSeconds(5);
    expect(looks()).toBe(0);
    void watch.now();
    await passSeconds(60);
    expect(looks()).toBe(11);
  });

  it('tells rates from the first answer on', async () => {
    const { watch, passSeconds } = setUp();
    const first = watch.now();
    await passSeconds(1);
    expect((await first).producedPerSecond).toBe(100);
  });

  it('looks once for all who watch', async () => {
    const { watch, passSeconds, looks } = setUp();
    const answers = [watch.following(), watch.following(), watch.now()];
    await passSeconds(1);
    const [a, b, c] = await Promise.all(answers);
    expect([a === b, b === c, looks()]).toEqual([true, true, 2]);
    expect(await watch.now()).toBe(a);
  });

  it('begins anew for who comes after it has ended, with nothing of what was', async () => {
    const { watch, passSeconds } = setUp();
    void watch.now();
    await passSeconds(60);
    const again = watch.now();
    await passSeconds(1);
    expect((await again).lagRecords).toBe(1_300);
  });
});
