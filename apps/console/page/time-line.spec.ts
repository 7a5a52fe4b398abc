import { describe, expect, it } from '@jest/globals';
import { stepTimes } from './time-line.js';

describe('the times of a time line', () => {
  it('have the day at the first step and whenever it changes, and the time since the last known one', () => {
    const times = ['2026-01-31T23:59:58.990Z', '2026-01-31T23:59:59.002Z', null, '2026-02-01T00:01:19.002Z'];
    expect(stepTimes(times.map((at) => ({ at })))).toEqual([
      { time: '2026-01-31 23:59:58.990 UTC', later: null },
      { time: '23:59:59.002 UTC', later: '12 ms' },
      { time: '', later: null },
      { time: '2026-02-01 00:01:19.002 UTC', later: '1 min 20 s' },
    ]);
  });

  it('have no time since a step of a clock that is ahead', () => {
    const times = ['2026-01-31T12:00:00.010Z', '2026-01-31T12:00:00.003Z', '2026-01-31T12:00:00.003Z'];
    expect(stepTimes(times.map((at) => ({ at }))).map(({ later }) => later)).toEqual([null, null, '0 ms']);
  });
});
