import { describe, expect, it } from '@jest/globals';
import { originHeaders } from '#orders/operation/record-headers.js';
import { saveDrawsOf } from '#orders/consumer/simulated-save.js';
import type { Clock } from '@orders-pipeline/clock';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { seededDelays, simulatedDelay } from './simulated-delay.js';

/** Creates a delay with these draws, and records when each wait ends. */
function createDelay(bounds: { minimum: number; maximum: number }, draws: readonly number[]) {
  const clock = new ManualClock();
  let timers = 0;
  const counting: Clock = {
    now: () => clock.now(),
    after: (milliseconds, run) => {
      timers += 1;
      return clock.after(milliseconds, run);
    },
  };
  const remaining = [...draws];
  const ended: number[] = [];
  const delay = simulatedDelay(bounds, () => remaining.shift() ?? 0, counting);
  const pass = delay(() => ended.push(clock.now()));
  const start = (): void => pass({ record: { headers: {} } });
  return { clock, start, ended, timers: () => timers };
}

describe('simulated delay', () => {
  it('has the drawn duration between its bounds, in milliseconds', async () => {
    const { clock, start, ended } = createDelay({ minimum: 100, maximum: 300 }, [0, 0.5, 0.999_9]);
    for (let each = 0; each < 3; each += 1) start();
    await clock.advance(1_000);
    expect(ended).toEqual([100, 200, 300]);
  });

  it('uses one timer for all waits that end in the same millisecond, whenever they started', async () => {
    const { clock, start, ended, timers } = createDelay({ minimum: 0, maximum: 100 }, [0.5, 0.3, 0.7]);
    start();
    await clock.advance(20);
    start();
    start();
    await clock.advance(1_000);
    expect(ended).toEqual([50, 50, 90]);
    expect(timers()).toBe(2);
  });

  it('starts a new timer after the end of an earlier wait', async () => {
    const { clock, start, ended } = createDelay({ minimum: 10, maximum: 10 }, []);
    start();
    await clock.advance(10);
    start();
    await clock.advance(5);
    expect(ended).toEqual([10]);
    await clock.advance(5);
    expect(ended).toEqual([10, 20]);
  });

  it('uses no timer if its bounds are zero', async () => {
    const { start, ended, clock, timers } = createDelay({ minimum: 0, maximum: 0 }, []);
    start();
    await clock.advance(0);
    expect(ended).toEqual([0]);
    expect(timers()).toBe(0);
  });
});

/** Returns the headers of an operation's record, as Kafka returns them. */
function recordAt(index: number, operationId = '01935c9e-8a00-7000-8000-000000000001') {
  const texts = Object.entries(originHeaders({ operationId, index }));
  return { headers: Object.fromEntries(texts.map(([name, text]) => [name, Buffer.from(text)])) };
}

describe('seeded delays', () => {
  const draw = seededDelays(7, () => 0.25);

  it('depend on the index of the order, not on its operation', () => {
    const other = '01935c9e-8a00-7000-8000-000000000002';
    expect([0, 1, 999].map((index) => draw(recordAt(index)))).toEqual([0, 1, 999].map(saveDrawsOf(7)));
    expect(draw(recordAt(5, other))).toBe(draw(recordAt(5)));
  });

  it('are random for a record without an operation', () => {
    expect(draw({ headers: {} })).toBe(0.25);
  });
});
