import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { PipelineSnapshot } from './pipeline-snapshots.js';
import { PipelineWatch } from './pipeline-watch.js';

function setUp() {
  const clock = new ManualClock();
  let taken = 0;
  const watch = new PipelineWatch(async (): Promise<PipelineSnapshot> => {
    taken += 1;
    const ends = new Map([[0, 100 * taken]]);
    return { at: clock.now(), ends, committed: new Map([[0, 0]]), consumers: [], deadLetters: 0 };
  }, clock);
  const passSeconds = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(1_000);
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { watch, passSeconds, taken: () => taken };
}

describe('watching the pipeline', () => {
  it('starts with the first request and ends some time after the last one', async () => {
    const { watch, passSeconds, taken } = setUp();
    await passSeconds(5);
    expect(taken()).toBe(0);
    void watch.now();
    await passSeconds(60);
    expect(taken()).toBe(11);
  });

  it('returns rates from the first answer on', async () => {
    const { watch, passSeconds } = setUp();
    const first = watch.now();
    await passSeconds(1);
    expect((await first).producedPerSecond).toBe(100);
  });

  it('takes one snapshot for all clients', async () => {
    const { watch, passSeconds, taken } = setUp();
    const answers = [watch.following(), watch.following(), watch.now()];
    await passSeconds(1);
    const [a, b, c] = await Promise.all(answers);
    expect([a === b, b === c, taken()]).toEqual([true, true, 2]);
    expect(await watch.now()).toBe(a);
  });

  it('starts again after it has ended, without earlier data', async () => {
    const { watch, passSeconds } = setUp();
    void watch.now();
    await passSeconds(60);
    const again = watch.now();
    await passSeconds(1);
    expect((await again).lagRecords).toBe(1_300);
  });
});
