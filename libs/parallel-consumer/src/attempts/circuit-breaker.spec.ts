import { describe, expect, it } from '@jest/globals';
import { CircuitBreaker } from './circuit-breaker.js';

const noJitter = (): number => 1;

/** Creates a breaker that an `environment` failure has just opened. */
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
    expect(breaker.tryAcquire()).toBe(false);
    breaker.halfOpen();
    expect(breaker.tryAcquire()).toBe(true);
    expect(breaker.tryAcquire()).toBe(false);
  });

  it('closes when its probe succeeds', () => {
    const { breaker } = createOpen();
    breaker.halfOpen();
    breaker.tryAcquire();
    expect(breaker.recordSuccess(breaker.begin())).toBe(true);
    expect(breaker.active).toBe(false);
    expect(breaker.tryAcquire()).toBe(true);
  });

  it('is not closed by the success of an attempt that began before it opened', () => {
    const { breaker, earlier } = createOpen();
    expect(breaker.recordSuccess(earlier)).toBe(false);
    expect(breaker.active).toBe(true);
  });

  it('ignores failures of attempts that began before it opened, also while it probes', () => {
    const { breaker, earlier } = createOpen();
    expect(breaker.recordFailure(earlier)).toBeUndefined();
    breaker.halfOpen();
    breaker.tryAcquire();
    const probe = breaker.begin();
    expect(breaker.recordFailure(earlier)).toBeUndefined();
    expect(breaker.recordFailure(probe)).toBe(200);
  });

  it('ignores failures of attempts that began before it closed, and opens by one that began after', () => {
    const { breaker, earlier } = createOpen();
    breaker.halfOpen();
    breaker.tryAcquire();
    breaker.recordSuccess(breaker.begin());
    expect(breaker.isSuspect(earlier)).toBe(true);
    expect(breaker.recordFailure(earlier)).toBeUndefined();
    expect(breaker.active).toBe(false);
    const later = breaker.begin();
    expect(breaker.isSuspect(later)).toBe(false);
    expect(breaker.recordFailure(later)).toBe(100);
  });

  it('doubles the back-off after each failed probe, up to its maximum, and never stops probing', () => {
    const { breaker, wait } = createOpen();
    const waits = [wait];
    for (let probe = 0; probe < 4; probe += 1) {
      breaker.halfOpen();
      expect(breaker.tryAcquire()).toBe(true);
      waits.push(breaker.recordFailure(breaker.begin()));
    }
    expect(waits).toEqual([100, 200, 400, 400, 400]);
  });

  it('admits another probe when the admitted task made no attempt', () => {
    const { breaker } = createOpen();
    breaker.halfOpen();
    expect(breaker.tryAcquire()).toBe(true);
    breaker.release();
    expect(breaker.tryAcquire()).toBe(true);
  });

  it('admits no task when a permit is released during the back-off', () => {
    const { breaker } = createOpen();
    breaker.release();
    expect(breaker.tryAcquire()).toBe(false);
  });
});
