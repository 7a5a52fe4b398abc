import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { ConditionVariable } from './condition-variable.js';

function waiting(condition: ConditionVariable, clock: ManualClock, milliseconds: number): string[] {
  const events: string[] = [];
  void condition.wait(clock, milliseconds).then(() => events.push('resumed'));
  return events;
}

describe('the condition variable', () => {
  it('resumes all waiting callers on a wake-up', async () => {
    const [condition, clock] = [new ConditionVariable(), new ManualClock()];
    const [one, other] = [waiting(condition, clock, 1_000), waiting(condition, clock, 1_000)];
    await settle();
    expect([...one, ...other]).toEqual([]);
    condition.wake();
    await settle();
    expect([...one, ...other]).toEqual(['resumed', 'resumed']);
  });

  it('resumes a caller at its timeout', async () => {
    const [condition, clock] = [new ConditionVariable(), new ManualClock()];
    const events = waiting(condition, clock, 300);
    await clock.advance(299);
    expect(events).toEqual([]);
    await clock.advance(1);
    expect(events).toEqual(['resumed']);
  });
});
