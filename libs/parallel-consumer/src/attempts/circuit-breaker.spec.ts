import { describe, expect, it } from '@jest/globals';
import { CircuitBreaker } from './circuit-breaker.js';

const noJitter = (): number => 1;

/** Creates a breaker that an environment failure has just opened. */
function createOpen(): { breaker: CircuitBreaker; wait: number | undefined; earlier: number } {
  const breaker = new CircuitBreaker({ initialMs: 100, maxMs: 400 }, noJitter);
  const earlier = breaker.begin();
  const wait = breaker.recordFailure(breaker.begin());
  return { breaker, wait, earlier };
}

describe('CircuitBreaker', () => {
  it('admits no task until the back-off has passed, then one probe', () => {
    const { breaker, wait } = createOpen();
    expect(wait).toBe(100);
    expect(suspension.tryAcquire()).toBe(false);
    suspension.halfOpen();
    expect(suspension.tryAcquire()).toBe(true);
    expect(suspension.tryAcquire()).toBe(false);
  });

  it('closes when its probe succeeds', () => {
    const { breaker } = createOpen();
    suspension.halfOpen();
    suspension.tryAcquire();
    expect(suspension.recordSuccess(suspension.begin())).toBe(true);
    expect(suspension.active).toBe(false);
    expect(suspension.tryAcquire()).toBe(true);
  });

  it('is not closed by the success of an attempt that began before it opened', () => {
    const { breaker, earlier } = createOpen();
    expect(suspension.recordSuccess(earlier)).toBe(false);
    expect(suspension.active).toBe(true);
  });

  it('ignores failures of attempts that began before it opened, also while it probes', () => {
    const { breaker, earlier } = createOpen();
    expect(suspension.recordFailure(earlier)).toBeUndefined();
    suspension.halfOpen();
    suspension.tryAcquire();
    const probe = suspension.begin();
    expect(suspension.recordFailure(earlier)).toBeUndefined();
    expect(suspension.recordFailure(probe)).toBe(200);
  });

  it('doubles the back-off after each failed probe, up to its maximum, and never stops probing', () => {
    const { breaker, wait } = createOpen();
    const waits = [wait];
    for (let probe = 0; probe < 4; probe += 1) {
      suspension.halfOpen();
      expect(suspension.tryAcquire()).toBe(true);
      waits.push(suspension.recordFailure(suspension.begin()));
    }
    expect(waits).toEqual([100, 200, 400, 400, 400]);
  });

  it('admits another probe when the admitted task made no attempt', () => {
    const { breaker } = createOpen();
    suspension.halfOpen();
    expect(suspension.tryAcquire()).toBe(true);
    suspension.release();
    expect(suspension.tryAcquire()).toBe(true);
  });

  it('admits no task when a permit is released during the back-off', () => {
    const { breaker } = createOpen();
    suspension.release();
    expect(suspension.tryAcquire()).toBe(false);
  });
});
