import { expect, it } from '@jest/globals';
import type { Clock } from '@orders-pipeline/clock';
import { Pace } from './pace.js';

it.each([
  [20, 10, [40]],
  [50, 10, [10]],
  [100, 10, []],
  [90, 1, []],
])('with a share of %d %%, each step of %d ms is followed by pauses of %j ms', async (share, step, pauses) => {
  const waited: number[] = [];
  let now = 0;
  const clock: Clock = {
    now: () => now,
    after: (milliseconds, run) => {
      waited.push(milliseconds);
      queueMicrotask(run);
      return () => undefined;
    },
  };
  const pace = new Pace(clock, share);
  await pace.work(async () => void (now += step));
  async function* read() {
    for (let item = 0; item < 2; item += 1) yield (now += step / 2);
  }
  for await (const _ of pace.each(read())) now += step / 2;
  expect(waited).toEqual([...pauses, ...pauses, ...pauses]);
});
