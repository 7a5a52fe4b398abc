import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { LogThrottle } from './log-throttle.js';

describe('the log throttle', () => {
  it('lets one message through per interval, with the number of those before it that it suppressed', async () => {
    const clock = new ManualClock();
    const throttle = new LogThrottle(clock, 1_000);
    expect([throttle.next(), throttle.next(), throttle.next()]).toEqual([0, undefined, undefined]);
    await clock.advance(999);
    expect(throttle.next()).toBeUndefined();
    await clock.advance(1);
    expect([throttle.next(), throttle.next()]).toEqual([3, undefined]);
  });
});
