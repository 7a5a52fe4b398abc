import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '../testing/manual-clock.js';
import { ConditionVariable } from './condition-variable.js';

function waiting(waiters: ConditionVariable, clock: ManualClock, milliseconds: number): string[] {
  const told: string[] = [];
  void waiters.wait(clock, milliseconds).then(() => told.push('resumed'));
  return told;
}

describe('waiters', () => {
  it('go on all at once when they are woken', async () => {
    const [waiters, clock] = [new ConditionVariable(), new ManualClock()];
    const [one, other] = [waiting(waiters, clock, 1_000), waiting(waiters, clock, 1_000)];
    await settle();
    expect([...one, ...other]).toEqual([]);
    waiters.wake();
    await settle();
    expect([...one, ...other]).toEqual(['resumed', 'resumed']);
  });

  it('go on by themselves when their time is over', async () => {
    const [waiters, clock] = [new ConditionVariable(), new ManualClock()];
    const told = waiting(waiters, clock, 300);
    await clock.advance(299);
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(told).toEqual(['resumed']);
  });
});
